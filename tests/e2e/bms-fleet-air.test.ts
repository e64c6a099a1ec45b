import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../src/runtime/clock.ts';
import { bmPeripheral } from '../../src/simulators/ble/bm.ts';
import { type Background, background } from '../support/background.ts';
import { airVariables, testAir } from '../support/bluetooth.ts';
import { parsed } from '../support/ndjson.ts';
import { requireService } from '../support/services.ts';
import { cleanEnvironment, shell, temporaryFolder } from '../support/shell.ts';

test('a monitor on the air is found, set up and read by one process, and nothing is left behind in the adapter (HAWK-02, HAWK-92, HAWK-95, HAWK-96)', async (t) => {
  if (!requireService(t, 'socat')) return;
  const home = temporaryFolder('air');
  const dataDir = join(home, 'data');
  const env = cleanEnvironment(home, { VOLTPIPE_DATA_DIR: dataDir, BATTERYHAWK_DISCOVERY_SCAN_DURATION: '3' });
  const air = background(['simulate', 'bm6'], env);
  t.after(() => air.stop());
  const { port, device_id: address } = await air.line(({ type }) => type === 'endpoint');
  assert.ok(typeof port === 'string' && typeof address === 'string');

  const fleet = background(['bms-read', '--registry', '--adapter', port], env);
  t.after(() => fleet.stop());
  const found = await fleet.line(({ type }) => type === 'device_status');
  assert.deepEqual([found.device_id, found.status, found.vehicle_name], [address, 'discovered', 'Vehicle 1']);
  const kept = JSON.parse(readFileSync(join(dataDir, 'devices.json'), 'utf8')).devices[address];
  assert.equal(kept.device_type, 'BM6');
  assert.ok(!fleet.lines.some((line) => (line as { type: string }).type === 'battery_reading'));

  const set = await shell(`registry set ${address} friendly_name=Starter polling_interval=2`, { env });
  assert.equal(set.status, 0, set.stderr);
  const reading = await fleet.line(({ type }) => type === 'battery_reading');
  assert.deepEqual([reading.device_name, reading.device_type, reading.vehicle_name], ['Starter', 'bm6', 'Vehicle 1']);
  assert.ok((reading.voltage as number) > 11 && !('current' in reading));
  const summary = await fleet.line(({ type }) => type === 'vehicle_summary');
  assert.equal(summary.lowest_voltage, reading.voltage);
  await fleet.stop();
  const again = await shell(`bms-read --registry --once --no-initial-scan --adapter ${port}`, { env });
  assert.equal(again.status, 0, `the adapter is free again: ${again.stderr}`);
});

const monitor = (address: string) => bmPeripheral({ family: 'bm6', clock: systemClock, address });
const registered = (addresses: readonly string[], fields: string): string =>
  addresses.map((one) => `registry add ${one} >/dev/null && registry set ${one} ${fields} >/dev/null`).join(' && ');

test('two connections at a time: each device is found and read, one that is not there disturbs nobody (HAWK-25, HAWK-57, HAWK-99, HAWK-146)', async (t) => {
  const there = ['50:54:7B:00:00:02', '50:54:7B:00:00:03'];
  const absent = '50:54:7B:00:00:99';
  const air = await testAir(t, there.map(monitor));
  if (!air) return;
  const env = cleanEnvironment(temporaryFolder('air'), {
    ...airVariables(air),
    BATTERYHAWK_BLUETOOTH_CONNECTION_TIMEOUT: '8',
  });
  const set = await shell(registered([...there, absent], 'retry_attempts=1'), { env });
  assert.equal(set.status, 0, set.stderr);
  // Nothing is known of their types: each is searched for on the air first, the absent one to the end.
  const got = await shell('bms-read --registry --once --no-initial-scan --max-connections 2', { env });
  assert.equal(got.status, 69, got.stderr);
  const records = parsed(got.stdout);
  const read = records.filter(({ type }) => type === 'battery_reading').map(({ device_id }) => device_id);
  assert.deepEqual(read.sort(), there, got.stderr);
  assert.match(got.stderr, /50:54:7B:00:00:99: not seen in 8 s/);
  assert.deepEqual(air.controller.state, { scanning: false, connecting: false, connections: [] });
});

test('a search for new devices beside a reading: neither takes the air from the other (HAWK-57, HAWK-92)', async (t) => {
  const known = '50:54:7B:00:00:02';
  const stranger = '50:54:7B:00:00:03';
  const air = await testAir(t, [known, stranger].map(monitor));
  if (!air) return;
  const env = cleanEnvironment(temporaryFolder('air'), {
    ...airVariables(air),
    BATTERYHAWK_DISCOVERY_SCAN_DURATION: '4',
  });
  const set = await shell(registered([known], 'retry_attempts=1 polling_interval=1'), { env });
  assert.equal(set.status, 0, set.stderr);
  const fleet = background(['bms-read', '--registry', '--max-connections', '2'], env);
  t.after(() => fleet.stop());
  await fleet.line(({ type, device_id }) => type === 'battery_reading' && device_id === known);
  await fleet.line(
    ({ type, device_id, status }) => type === 'device_status' && device_id === stranger && status === 'discovered',
  );
  assert.doesNotMatch(fleet.stderr(), /not seen|try 1 of/);
});

/** Resolves when the command has said it on stderr. */
async function said({ stderr }: Background, what: RegExp): Promise<void> {
  while (!what.test(stderr())) await new Promise((resolve) => setTimeout(resolve, 50));
}

const impatient = 'polling_interval=1 retry_attempts=1 retry_interval=1 reconnection_delay=1';

test('what registry set changes in system.json holds for the next connection of a running fleet (HAWK-11, HAWK-58, HAWK-112)', async (t) => {
  const air = await testAir(t, []);
  if (!air) return;
  const env = cleanEnvironment(temporaryFolder('air'), {
    ...airVariables(air),
  });
  const set = await shell(
    `${registered(['50:54:7B:00:00:99'], impatient)} && registry set system bluetooth.connection_timeout=3 >/dev/null`,
    { env },
  );
  assert.equal(set.status, 0, set.stderr);
  const fleet = background(['bms-read', '--registry', '--no-initial-scan', '-v'], env);
  t.after(() => fleet.stop());
  await said(fleet, /not seen in 3 s/);
  const changed = await shell('registry set system bluetooth.connection_timeout=1', { env });
  assert.equal(changed.status, 0, changed.stderr);
  await said(fleet, /configuration taken up/);
  await said(fleet, /not seen in 1 s/);
});

test('another adapter in the configuration is taken by a running fleet, and the first one is left alone (HAWK-11, HAWK-112)', async (t) => {
  const address = '50:54:7B:00:00:02';
  const [empty, wanted] = [await testAir(t, []), await testAir(t, [monitor(address)])];
  if (!empty || !wanted) return;
  const home = temporaryFolder('air');
  const config = join(home, 'config.yaml');
  const use = (adapter: string): void =>
    writeFileSync(config, JSON.stringify({ bluetooth: { adapter, powerOnTimeout: '60s', connection_timeout: 1 } }));
  use(empty.port);
  const env = cleanEnvironment(home, { VOLTPIPE_CONFIG: config });
  const set = await shell(registered([address], impatient), { env });
  assert.equal(set.status, 0, set.stderr);
  const fleet = background(['bms-read', '--registry', '--no-initial-scan', '-v'], env);
  t.after(() => fleet.stop());
  await said(fleet, /not seen in 1 s/);
  use(wanted.port);
  const reading = await fleet.line(({ type }) => type === 'battery_reading');
  assert.equal(reading.device_id, address);
  assert.deepEqual(empty.controller.state, { scanning: false, connecting: false, connections: [] });
});
