// mqtt-pub beside mosquitto_pub, both into a mosquitto of this run: messages a second, what the broker really got, memory.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { environment, goal, has, median, peakMemory, root, start, sumUp } from './harness.mjs';

const count = 200_000;
const rounds = 3;

const [publisher, listener] = ['mosquitto_pub', 'mosquitto_sub'];
const missing = [publisher, listener].filter((program) => !has(program));
const broker = spawnSync('bash', ['-c', 'PATH=$PATH:/usr/sbin:/usr/local/sbin command -v mosquitto'])
  .stdout.toString()
  .trim();
if (missing.length > 0 || broker === '') {
  console.log(`  left out: mosquitto and its clients are not installed`);
  process.exit(0);
}

const folder = mkdtempSync(join(tmpdir(), 'voltpipe-bench-'));
const file = join(folder, 'readings.ndjson');
const lines = Array.from({ length: count }, (_, n) =>
  JSON.stringify({
    type: 'battery_reading',
    time: new Date(1_772_366_400_000 + n * 1000).toISOString(),
    device_id: 'AA:BB:CC:DD:EE:FF',
    device_name: 'House bank',
    device_type: 'daly',
    voltage: 12 + (n % 100) / 100,
    current: -3.2,
    power: -40.1,
    state_of_charge: 81.5,
    temperature: 21.5,
    cells: [3.31, 3.32, 3.31, 3.3],
    cell_min: 3.3,
    cell_max: 3.32,
    cell_delta: 0.02,
    n,
  }),
);
writeFileSync(file, `${lines.join('\n')}\n`);

const port = await new Promise((resolve) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port: free } = server.address();
    server.close(() => resolve(free));
  });
});
const config = join(folder, 'mosquitto.conf');
writeFileSync(
  config,
  `${process.getuid() === 0 ? 'user root\n' : ''}listener ${port} 127.0.0.1\nallow_anonymous true\npersistence false\nsys_interval 1\n`,
);
const mosquitto = spawn(broker, ['-c', config], { stdio: 'ignore' });
await sleep(500);

/** Messages that the broker has received so far, as it counts them itself; it tells once a second. */
async function received() {
  await sleep(2200);
  const topic = '$SYS/broker/publish/messages/received';
  const args = ['-h', '127.0.0.1', '-p', String(port), '-t', topic, '-C', '1', '-W', '3'];
  return Number(spawnSync(listener, args, { encoding: 'utf8', env: environment }).stdout.trim() || 0);
}

/** One run: messages a second, messages that arrived, exit status, peak memory in MiB. */
async function once(program, args) {
  const before = await received();
  const began = performance.now();
  const child = start(program, args, { stdio: [openSync(file), 'ignore', 'inherit'] });
  let memory = 0;
  const watch = setInterval(() => {
    try {
      memory = Math.max(memory, peakMemory(child.pid));
    } catch {
      // It has just ended.
    }
  }, 20);
  const status = await new Promise((resolve) => child.on('exit', resolve));
  const seconds = (performance.now() - began) / 1000;
  clearInterval(watch);
  return { rate: count / seconds, arrived: (await received()) - before, status, memory };
}

const pub = (...flags) => [
  process.execPath,
  [
    join(root, 'bin/mqtt-pub.js'),
    '--no-config',
    '--no-status',
    '--birth-topic',
    '',
    '--url',
    `mqtt://127.0.0.1:${port}`,
    ...flags,
  ],
];
const peer = (qos) => [publisher, ['-h', '127.0.0.1', '-p', String(port), '-l', '-q', qos, '-t', 'x']];
const rows = {
  'mqtt-pub --qos 1': pub('--qos', '1'),
  'mqtt-pub --qos 1, MQTT 3.1.1': pub('--qos', '1', '--mqtt-version', '4'),
  'mqtt-pub --qos 0': pub('--qos', '0'),
  'mqtt-pub --qos 0, MQTT 3.1.1': pub('--qos', '0', '--mqtt-version', '4'),
  'mosquitto_pub -l -q 0': peer('0'),
  'mosquitto_pub -l -q 1': peer('1'),
};
try {
  const runs = Object.fromEntries(Object.keys(rows).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++)
    for (const [name, [program, args]] of Object.entries(rows)) runs[name].push(await once(program, args));
  console.log(`\n  ${count} readings of ${Math.round(lines[0].length)} bytes, medians of ${rounds} rounds`);
  for (const [name, all] of Object.entries(runs)) {
    const rate = `${(median(all.map((run) => run.rate)) / 1000).toFixed(0)} k/s`;
    const arrived = all.map((run) => run.arrived).join(', ');
    const memory = `${Math.max(...all.map((run) => run.memory)).toFixed(0)} MiB`;
    console.log(
      `  ${name.padEnd(30)} ${rate.padStart(9)} ${memory.padStart(9)}  arrived ${arrived}, exit ${all[0].status}`,
    );
  }
  const of = (name) => runs[name];
  const rate = (name) => median(of(name).map((run) => run.rate));
  const qos1 = [...of('mqtt-pub --qos 1'), ...of('mqtt-pub --qos 1, MQTT 3.1.1')];
  const ours = [...qos1, ...of('mqtt-pub --qos 0'), ...of('mqtt-pub --qos 0, MQTT 3.1.1')];
  goal('QoS 1', `${(rate('mqtt-pub --qos 1') / 1000).toFixed(0)} k/s`, rate('mqtt-pub --qos 1') >= 30_000, '>= 30 k/s');
  const whole = qos1.every((run) => run.arrived >= count && run.status === 0);
  goal('QoS 1: every record arrived', whole, whole, 'all');
  const lost = of('mosquitto_pub -l -q 1').map((run) => count - run.arrived);
  console.log(
    `  mosquitto_pub -l -q 1 lost ${lost.join(', ')} of ${count}, exit ${of('mosquitto_pub -l -q 1')[0].status}`,
  );
  const share = median(of('mqtt-pub --qos 0').map((run, i) => run.rate / of('mosquitto_pub -l -q 0')[i].rate));
  goal('QoS 0 against mosquitto_pub', `${share.toFixed(2)} x`, share >= 0.75, '>= 0.75 x');
  const memory = Math.max(...ours.map((run) => run.memory));
  goal('peak memory', `${memory.toFixed(0)} MiB`, memory <= 120, '<= 120 MiB');
} finally {
  mosquitto.kill();
  rmSync(folder, { recursive: true, force: true });
}
sumUp();
