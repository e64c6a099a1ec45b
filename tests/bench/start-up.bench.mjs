// How long a command takes to start, as a multiple of a bare Node; no configuration file.
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { environment, goal, median, root, sumUp } from './harness.mjs';

const rounds = Number(process.env.ROUNDS ?? 31);
const oneLine =
  '{"type":"bmw_telematics","time":"2026-03-01T12:00:00.000Z","vin":"WBYVP000000000001","via":"stream","received_at":"2026-03-01T12:00:01.000Z","data":{"vehicle.drivetrain.batteryManagement.header":{"timestamp":"2026-03-01T12:00:00.000Z","value":61,"unit":"%"}}}\n';
const command = (name, ...args) => [process.execPath, [join(root, 'bin', `${name}.js`), ...args]];

const rows = [
  { name: 'node -e 0', run: [process.execPath, ['-e', '0']], input: '', prints: false },
  { name: 'normalize --help', run: command('normalize', '--help'), input: '', prints: true, goal: 1.35 },
  { name: 'normalize, one line', run: command('normalize'), input: oneLine, prints: true, goal: 1.5 },
  { name: '… through sockets', run: command('normalize'), input: oneLine, prints: true, sockets: true },
  // It connects to a port where nobody listens: mqtt.js is loaded and tries.
  {
    name: 'a command that loads MQTT',
    run: command(
      'bmw-stream',
      '--mirror-url',
      'mqtt://127.0.0.1:9',
      '--mirror-prefix',
      'x',
      '--all',
      '--timeout',
      '1ms',
    ),
    input: '',
    prints: false,
    goal: 2.5,
  },
];

// Pipes as a shell makes them; what Node calls a pipe to a child is a socket, which no command meets in a shell.
const folder = mkdtempSync(join(tmpdir(), 'voltpipe-start-up-'));
const [input, output] = ['in', 'out'].map((name) => join(folder, name));
execFileSync('mkfifo', [input, output]);
const { O_NONBLOCK, O_RDONLY } = constants;
const printed = openSync(output, O_RDONLY | O_NONBLOCK);
const buffer = Buffer.alloc(64 * 1024);

/** Milliseconds from the start of a program to its end, with all its input there at once. */
function time({ run, input: text, sockets }) {
  if (sockets) {
    const begin = performance.now();
    const { stdout } = spawnSync(run[0], run[1], { input: text, env: environment });
    return { taken: performance.now() - begin, bytes: stdout.length };
  }
  const stdin = openSync(input, O_RDONLY | O_NONBLOCK);
  writeFileSync(input, text);
  const stdout = openSync(output, 'w');
  const begin = performance.now();
  spawnSync(run[0], run[1], { stdio: [stdin, stdout, 'ignore'], env: environment });
  const taken = performance.now() - begin;
  closeSync(stdin);
  closeSync(stdout);
  return { taken, bytes: readSync(printed, buffer) };
}

const times = rows.map(() => []);
for (let round = -1; round < rounds; round++) {
  for (const [i, row] of rows.entries()) {
    const { taken, bytes } = time(row);
    if (bytes > 0 !== row.prints) throw new Error(`${row.name} printed ${bytes} bytes`);
    // The first round brings the files into memory.
    if (round >= 0) times[i].push(taken);
  }
}
rmSync(folder, { recursive: true });

// Whatever else the machine does makes a run longer, never shorter: the least of many is what a program takes by itself, and is
// what the goals are held against. The median of the rounds' own ratios says the same on a machine that is quiet.
console.log(`${rounds} rounds in turn: the least time of each and its ratio to 'node -e 0'; median, and median ratio`);
const show = (ms, ratio) => `${ms.toFixed(1).padStart(7)} ms ${ratio.toFixed(2)}x`;
const [bare] = times;
for (const [i, row] of rows.entries()) {
  const least = Math.min(...times[i]);
  const ratio = least / Math.min(...bare);
  const ratios = times[i].map((time, round) => time / bare[round]);
  console.log(`  ${row.name.padEnd(28)} ${show(least, ratio)} ${show(median(times[i]), median(ratios))}`);
  if (row.goal) goal(row.name, `${ratio.toFixed(2)}x`, ratio <= row.goal, `<= ${row.goal}x`);
}
sumUp();
