import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { delimiter } from 'node:path';
import { test } from 'node:test';
import { command } from '../../src/commands/simulate-bm6.ts';
import { decodeAdvertisedReading } from '../../src/protocols/bms/bm-advertisement.ts';
import type { VoltRecord } from '../../src/records/record.ts';
import { parsePeripheralFault, peripheralFaults } from '../../src/simulators/ble/faults.ts';
import { background } from '../support/background.ts';
import { fakeClock } from '../support/clock.ts';
import { runCommand } from '../support/command.ts';
import { parsed } from '../support/ndjson.ts';
import { requireService } from '../support/services.ts';
import { cleanEnvironment, shell, temporaryFolder } from '../support/shell.ts';

test('the endpoint says port and address, the events what a scan left on, and nothing stays behind', async (t) => {
  if (!requireService(t, 'socat')) return;
  const env = cleanEnvironment(temporaryFolder('home'));
  const simulator = background(['simulate', 'bm6', '--voltage', '12.4', '--soc', '55', '--advertisers', '20'], env);
  const endpoint = await simulator.line(({ type }) => type === 'endpoint');
  assert.equal(endpoint['protocol'], 'bm6');
  assert.equal(endpoint['device_id'], '50:54:7B:00:00:02');
  const { stdout, stderr } = await shell(`ble-scan --passive --duration 2s --adapter ${endpoint['port']}`, { env });
  const reading = parsed(stdout).find(({ type }) => type === 'battery_reading');
  assert.deepEqual([reading?.['voltage'], reading?.['state_of_charge']], [12.4, 55], stderr);
  await simulator.line(({ event }) => event === 'scan_started');
  await simulator.line(({ event }) => event === 'scan_stopped');
  await simulator.stop();
  assert.ok(!existsSync(String(endpoint['port'])));
});

test('without socat it says so, and still offers the socket', async () => {
  const env = cleanEnvironment(temporaryFolder('home'));
  const [bin] = env.PATH!.split(delimiter);
  const bare = { ...env, PATH: `${bin}${delimiter}${process.execPath.replace(/\/[^/]+$/, '')}` };
  const simulator = background([process.execPath, `${bin}/simulate`, 'bm7'], {
    ...bare,
    PATH: '/nowhere',
  });
  const endpoint = await simulator.line(({ type }) => type === 'endpoint');
  assert.match(String(endpoint['url']), /^unix:\//);
  assert.equal(endpoint['port'], undefined);
  assert.match(simulator.stderr(), /socat: not installed, .*apt install socat/);
  await simulator.stop();
});

test('--as-records prints what a scan would see, encrypted as it goes over the air', async () => {
  const clock = fakeClock();
  const stop = new AbortController();
  const records: VoltRecord[] = [];
  const running = runCommand(command, {
    flags: { asRecords: true, voltage: '12.4', address: '38:3b:26:00:00:08' },
    clock,
    signal: stop.signal,
    onItem(item) {
      records.push(item as VoltRecord);
    },
  });
  while (records.length < 3) await clock.advance(1000);
  stop.abort();
  await running;
  const [first] = records;
  assert.equal(first?.['device_id'], '38:3B:26:00:00:08');
  const data = Buffer.from(String(first?.['manufacturer_data']), 'hex');
  assert.equal(decodeAdvertisedReading(data, '38:3B:26:00:00:08')?.fields.voltage, 12.4);
});

test('every fault is understood, and what is none is a usage error', async () => {
  for (const name of Object.keys(peripheralFaults)) assert.ok(parsePeripheralFault(name));
  assert.deepEqual(parsePeripheralFault('hang-up=3'), { disconnectAfter: 3 });
  for (const fault of ['nothing', 'busy=1', 'lost=x', '']) {
    const { status } = await runCommand(command, { flags: { fault: [fault] } });
    assert.equal(status, 64, fault);
  }
  assert.equal((await runCommand(command, { flags: { address: 'here' } })).status, 64);
});

test('a BM2 has no engine start to tell of', async () => {
  const env = cleanEnvironment(temporaryFolder('home'));
  const { status, stderr } = await shell('simulate bm2 --engine-start 1s', { env });
  assert.equal(status, 64);
  assert.match(stderr, /--engine-start: a BM2 tells of none\. Its --history has the lowest voltages/);
});
