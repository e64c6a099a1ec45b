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

/** Milliseconds that a program runs and those that the processor spends on it, with all its input there at once. */
function time({ run, input: text, sockets }) {
  const script = `TIMEFORMAT='%R %U %S'; time "$@" 2>/dev/null`;
  const stdin = sockets ? 'pipe' : openSync(input, O_RDONLY | O_NONBLOCK);
  if (!sockets) writeFileSync(input, text);
  const stdout = sockets ? 'pipe' : openSync(output, 'w');
  const ended = spawnSync('bash', ['-c', script, 'bash', run[0], ...run[1]], {
    stdio: [stdin, stdout, 'pipe'],
    env: environment,
    encoding: 'utf8',
    ...(sockets && { input: text }),
  });
  if (!sockets) for (const fd of [stdin, stdout]) closeSync(fd);
  const [wall, user, system] = ended.stderr
    .trim()
    .split(' ')
    .map((seconds) => Number(seconds) * 1000);
  return { wall, cpu: user + system, bytes: sockets ? ended.stdout.length : readSync(printed, buffer) };
}

const times = rows.map(() => []);
for (let round = -1; round < rounds; round++) {
  for (const [i, row] of rows.entries()) {
    const { bytes, ...taken } = time(row);
    if (bytes > 0 !== row.prints) throw new Error(`${row.name} printed ${bytes} bytes`);
    // The first round brings the files into memory.
    if (round >= 0) times[i].push(taken);
  }
}
rmSync(folder, { recursive: true });

// A start waits for nothing, so that on an idle machine the processor's time is the time on the wall. On one with other work the wall's
// clock measures that work, too, and unevenly: the goals are held against the processor's time, and both are printed.
console.log(`${rounds} rounds in turn, medians; ratios to 'node -e 0', round by round`);
console.log(
  `  ${'command'.padEnd(28)} ${'cpu'.padStart(10)} ${'ratio'.padStart(6)} ${'wall'.padStart(10)} ${'ratio'.padStart(6)}`,
);
for (const [i, row] of rows.entries()) {
  const of = (what) => times[i].map((time) => time[what]);
  const ratio = (what) => median(times[i].map((time, round) => time[what] / times[0][round][what]));
  const show = (what) => `${median(of(what)).toFixed(1).padStart(7)} ms ${`${ratio(what).toFixed(2)}x`.padStart(6)}`;
  console.log(`  ${row.name.padEnd(28)} ${show('cpu')} ${show('wall')}`);
  if (row.goal) goal(row.name, `${ratio('cpu').toFixed(2)}x`, ratio('cpu') <= row.goal, `<= ${row.goal}x`);
}
sumUp();
