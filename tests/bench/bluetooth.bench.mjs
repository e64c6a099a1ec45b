// One reading over Bluetooth through the virtual controller: what it takes beyond the start of both processes, power-on and scan.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { environment, goal, has, median, root, sumUp } from './harness.mjs';

const rounds = Number(process.env.ROUNDS ?? 25);
if (!has('socat')) {
  console.log('left out: socat is not installed');
  process.exit(0);
}

const binary = (name) => join(root, 'bin', `${name}.js`);
const simulator = spawn(process.execPath, [binary('simulate'), 'bm6'], {
  env: environment,
  stdio: ['ignore', 'pipe', 'inherit'],
});
const events = [];
let wake = () => {};
createInterface({ input: simulator.stdout }).on('line', (line) => {
  events.push(JSON.parse(line));
  wake();
});
const next = () => new Promise((resolve) => (wake = resolve));
while (events.length === 0) await next();
const [{ port, device_id: address }] = events;

for (const driver of ['abandonware', 'stoprocent']) {
  const rest = [];
  const whole = [];
  for (let round = 0; round < rounds; round++) {
    const before = events.length;
    const begin = performance.now();
    const reader = spawn(process.execPath, [binary('bms-read'), '--ble', address, '--type', 'bm6', '--adapter', port], {
      env: { ...environment, VOLTPIPE_BLUETOOTH_DRIVER: driver },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const status = await new Promise((resolve) => reader.on('exit', resolve));
    const ended = Date.now();
    whole.push(performance.now() - begin);
    if (status !== 0) throw new Error(`exit status ${status}`);
    while (!events.slice(before).some(({ event }) => event === 'disconnected')) await next();
    const seen = events.slice(before).findLast(({ event }) => event === 'scan_stopped');
    rest.push(ended - Date.parse(seen.time));
    if (
      events
        .slice(before)
        .filter(({ event }) => /^scan_st/.test(event))
        .at(-1).event !== 'scan_stopped'
    )
      throw new Error('a scan was left on');
  }
  console.log(
    `${driver}: ${rounds} readings, the whole command ${median(whole).toFixed(0)} ms (power-on of a controller behind a port included)`,
  );
  goal(
    `${driver}: from the end of the scan to the end of the command`,
    `${median(rest)} ms`,
    median(rest) <= 40,
    '<= 40 ms',
  );
}
simulator.kill();
sumUp();
