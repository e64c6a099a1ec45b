import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../src/runtime/clock.ts';
import { bmPeripheral } from '../../src/simulators/ble/bm.ts';
import { airVariables, testAir } from '../support/bluetooth.ts';
import { freePort } from '../support/mosquitto.ts';
import { parsed } from '../support/ndjson.ts';
import { requireService } from '../support/services.ts';
import { shell } from '../support/shell.ts';
import { listenerOf, packs, pollsOf, readRegistry, soakFleet } from './bms-fleet.ts';

test('50 devices polled every 10 s by one process, a twentieth of the soak: each poll is read or counted as missed, memory below 120 MB (HAWK-163)', (t) =>
  soakFleet(t, 30, false));

test('one round over the registry: readings with names, status, summary, and it ends with 0 (HAWK-06, HAWK-118)', async (t) => {
  const fleet = await packs(t, 2, 3600);
  const got = await shell('bms-read --registry --once --no-initial-scan', { env: fleet.env });
  assert.equal(got.status, 0, got.stderr);
  const records = parsed(got.stdout);
  const readings = records.filter(({ type }) => type === 'battery_reading');
  assert.deepEqual(readings.map(({ vehicle_name }) => vehicle_name).sort(), ['Vehicle 1', 'Vehicle 2']);
  assert.equal((readings[0]!['cells'] as number[]).length, 16);
  assert.equal(records.filter(({ type }) => type === 'vehicle_summary').length, 2);
  assert.deepEqual(records.at(-1)?.['devices'], { connected: 2 });
  const kept = JSON.parse(readFileSync(join(fleet.dataDir, 'devices.json'), 'utf8'));
  assert.equal(kept.devices[fleet.ids[0]!].status, 'connected');
});

test('a round in which a device is not reached ends with 69, and the others are read (HAWK-141)', async (t) => {
  const fleet = await packs(t, 2, 3600);
  await fleet.lines[0]!.close();
  const set = await shell(`registry set ${fleet.ids[0]} retry_attempts=2 retry_interval=1 >/dev/null`, {
    env: fleet.env,
  });
  assert.equal(set.status, 0, set.stderr);
  const got = await shell('bms-read --registry --once --no-initial-scan', { env: fleet.env });
  assert.equal(got.status, 69, got.stderr);
  const records = parsed(got.stdout);
  assert.deepEqual(records.at(-1)?.['devices'], { connected: 1, error: 1 });
  assert.match(got.stderr, /try 1 of 2/);
});

test('a registry that is changed while it runs is taken up; a broken one keeps the old and is said, once (HAWK-11, HAWK-112)', async (t) => {
  const fleet = await packs(t, 2, 1);
  const path = join(fleet.dataDir, 'devices.json');
  const whole = JSON.parse(readFileSync(path, 'utf8'));
  const { [fleet.ids[1]!]: second, ...first } = whole.devices;
  writeFileSync(path, JSON.stringify({ ...whole, devices: first }));
  const reader = readRegistry(t, fleet);
  await reader.line(({ type, device_id }) => type === 'battery_reading' && device_id === fleet.ids[0]);
  const named = await shell(`registry set ${fleet.ids[0]} friendly_name=Renamed`, { env: fleet.env });
  assert.equal(named.status, 0, named.stderr);
  await reader.line(({ type, device_name }) => type === 'battery_reading' && device_name === 'Renamed');
  const good = readFileSync(path, 'utf8');
  writeFileSync(path, '{"version":"1.0","devices":{');
  while (!reader.stderr().includes('registry kept as it was')) await new Promise((resolve) => setTimeout(resolve, 50));
  const before = reader.lines.length;
  while (reader.lines.length < before + 3) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(readFileSync(path, 'utf8'), '{"version":"1.0","devices":{', 'it is not written over');
  const mended = JSON.parse(good);
  writeFileSync(path, JSON.stringify({ ...mended, devices: { ...mended.devices, [fleet.ids[1]!]: second } }));
  await reader.line(({ type, device_id }) => type === 'battery_reading' && device_id === fleet.ids[1]);
  assert.equal(reader.stderr().split('registry kept as it was').length, 2);
});

test('a configuration that is changed while the registry is broken is taken up, and only what was kept is said to be kept (HAWK-11)', async (t) => {
  const fleet = await packs(t, 1, 1);
  const config = join(fleet.dataDir, 'config.yaml');
  const path = join(fleet.dataDir, 'devices.json');
  writeFileSync(config, 'bms: { statusInterval: 1h }\n');
  const reader = readRegistry(t, { ...fleet, env: { ...fleet.env, VOLTPIPE_CONFIG: config } });
  // What the fleet writes by itself must not mend the file.
  while (!readFileSync(path, 'utf8').includes('"connected"')) await new Promise((resolve) => setTimeout(resolve, 50));
  writeFileSync(path, '{"version":"1.0","devices":{');
  while (!reader.stderr().includes('registry kept as it was')) await new Promise((resolve) => setTimeout(resolve, 50));
  writeFileSync(config, 'bms: { statusInterval: 100ms }\n');
  reader.child.kill('SIGHUP');
  await reader.line(({ type }) => type === 'system_status');
  await reader.stop();
  assert.doesNotMatch(reader.stderr(), /configuration kept as it was/);
});

test('polls are counted by device and result at --http, from the start', async (t) => {
  const fleet = await packs(t, 2, 1);
  const [gone, there] = fleet.ids as [string, string];
  await fleet.lines[0]!.close();
  const set = await shell(`registry set ${gone} retry_attempts=5 retry_interval=1 >/dev/null`, { env: fleet.env });
  assert.equal(set.status, 0, set.stderr);
  const reader = readRegistry(t, fleet, '--http', '0');
  await reader.line(({ type, device_id }) => type === 'battery_reading' && device_id === there);
  while (!reader.stderr().includes('try 2 of 5')) await new Promise((resolve) => setTimeout(resolve, 50));
  const polls = await pollsOf(await listenerOf(reader));
  assert.ok(polls[there]!['read']! >= 1 && polls[there]!['failed'] === 0, JSON.stringify(polls));
  assert.ok(
    polls[gone]!['read'] === 0 && polls[gone]!['failed']! >= 2 && polls[gone]!['missed'] === 0,
    JSON.stringify(polls),
  );
});

test('without a device that is set up a round ends with 78 and says what to do', async (t) => {
  const { env } = await packs(t, 0, 10);
  const got = await shell('bms-read --registry --once --no-initial-scan', { env });
  assert.equal(got.status, 78);
  assert.match(got.stderr, /registry add/);
});

test('a round over a registry in which nothing is set up searches first, and stores what is there (HAWK-92)', async (t) => {
  const address = '50:54:7B:00:00:02';
  const air = await testAir(t, [bmPeripheral({ family: 'bm6', clock: systemClock, address })]);
  if (!air) return;
  const { env, dataDir } = await packs(t, 0, 10);
  const got = await shell('bms-read --registry --once', {
    env: {
      ...env,
      ...airVariables(air),
      BATTERYHAWK_DISCOVERY_SCAN_DURATION: '3',
    },
  });
  assert.equal(got.status, 78);
  assert.match(got.stderr, /no device of the registry is set up\. .*registry set/);
  const kept = JSON.parse(readFileSync(join(dataDir, 'devices.json'), 'utf8'));
  assert.equal(kept.devices[address].status, 'discovered');
});

test('a fleet whose only pack is gone is not ready, and says why (HAWK-104)', async (t) => {
  const fleet = await packs(t, 1, 1);
  const port = await freePort();
  const reader = readRegistry(t, fleet, '--http', String(port));
  const ready = async (): Promise<{ status: number; text: string }> => {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`);
    return { status: answer.status, text: await answer.text() };
  };
  await reader.line(({ type }) => type === 'battery_reading');
  assert.equal((await ready()).status, 200);
  await fleet.lines[0]!.close();
  await reader.line(({ type, status }) => type === 'device_status' && status === 'disconnected');
  const { status, text } = await ready();
  assert.equal(status, 503);
  assert.match(text, /bms-read: .*127\.0\.0\.1/);
  const { status: health } = await fetch(`http://127.0.0.1:${port}/healthz`);
  assert.equal(health, 200, 'it knows that it is cut off, and tries again');
});

test('a registry of a newer version ends with 78', async (t) => {
  const { env, dataDir } = await packs(t, 1, 10);
  writeFileSync(join(dataDir, 'vehicles.json'), '{"version":"2.0","vehicles":{}}');
  const got = await shell('bms-read --registry', { env });
  assert.equal(got.status, 78);
  assert.match(got.stderr, /version 2\.0/);
});

test('--watch shows the devices live on the terminal, in the place of the records (ESP-48, HAWK-12)', async (t) => {
  if (!requireService(t, 'script')) return;
  const { env } = await packs(t, 2, 3600);
  const line = `script -qec 'stty cols 100 rows 24; bms-read --registry --no-initial-scan --once --watch' /dev/null`;
  const { stdout } = await shell(line, { env: { ...env, TERM: 'xterm' } });
  assert.match(stdout, /device +vehicle +status +voltage/);
  assert.match(stdout, /Vehicle 2 +connected +\d+\.\d\d V/);
  assert.doesNotMatch(stdout, /\{"type"/);
});
