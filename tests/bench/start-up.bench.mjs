// How long a command takes to start, as a multiple of a bare Node; no configuration file.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { environment, goal, median, root, sumUp } from './harness.mjs';

const rounds = Number(process.env.ROUNDS ?? 31);
const oneLine =
  '{"type":"bmw_telematics","time":"2026-03-01T12:00:00.000Z","vin":"WBYVP000000000001","via":"stream","received_at":"2026-03-01T12:00:01.000Z","data":{"vehicle.drivetrain.batteryManagement.header":{"timestamp":"2026-03-01T12:00:00.000Z","value":61,"unit":"%"}}}\n';
const command = (name, ...args) => [process.execPath, [join(root, 'bin', `${name}.js`), ...args]];

const rows = [
  { name: 'node -e 0', run: [process.execPath, ['-e', '0']], input: '' },
  { name: 'normalize --help', run: command('normalize', '--help'), input: '', goal: 1.35 },
  { name: 'normalize, one line', run: command('normalize'), input: oneLine, goal: 1.5 },
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
    goal: 2.5,
  },
];

const times = rows.map(() => []);
for (let round = 0; round < rounds; round++) {
  for (const [i, { run, input }] of rows.entries()) {
    const begin = performance.now();
    spawnSync(run[0], run[1], { input, env: environment });
    times[i].push(performance.now() - begin);
  }
}
console.log(`${rounds} rounds in turn, medians; ratio to 'node -e 0', round by round`);
for (const [i, row] of rows.entries()) {
  const ratio = median(times[i].map((time, round) => time / times[0][round]));
  console.log(`  ${row.name.padEnd(28)} ${median(times[i]).toFixed(1).padStart(7)} ms  ${ratio.toFixed(2)}x`);
  if (row.goal) goal(row.name, `${ratio.toFixed(2)}x`, ratio <= row.goal, `<= ${row.goal}x`);
}
sumUp();
