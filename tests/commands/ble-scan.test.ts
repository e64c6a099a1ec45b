import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { cleanName } from '../../src/clients/bms/advertised.ts';
import { command } from '../../src/commands/ble-scan.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { bmPeripheral } from '../../src/simulators/ble/bm.ts';
import { crowd } from '../../src/simulators/ble/crowd.ts';
import { ad, type Peripheral } from '../../src/simulators/ble/peripheral.ts';
import { background } from '../support/background.ts';
import { airVariables, idle, type TestAir, testAir } from '../support/bluetooth.ts';
import { runCommand } from '../support/command.ts';
import { parsed } from '../support/ndjson.ts';
import { requireOrdinaryUser } from '../support/services.ts';
import { cleanEnvironment, shell, temporaryFolder } from '../support/shell.ts';

const values = () => ({ voltage: 12.61, charge: 85, temperature: -7, state: 'normal' });
const bm6 = bmPeripheral({ family: 'bm6', clock: systemClock, values });
const bm2 = bmPeripheral({ family: 'bm2', clock: systemClock, values });
const environment = (air: TestAir, home = temporaryFolder('home')) => cleanEnvironment(home, airVariables(air));

test('monitors are found among others, each once a scan, and the adapter is left as it was (HAWK-04, HAWK-136)', async (t) => {
  const air = await testAir(t, [...crowd(5), bm6, bm2]);
  if (!air) return;
  const { status, stdout, stderr } = await shell('ble-scan --duration 2s', { env: environment(air) });
  assert.equal(status, 0, stderr);
  const found = parsed(stdout);
  assert.deepEqual(found.map(({ device_id, device_type, name }) => [device_id, device_type, name]).sort(), [
    ['50:54:7B:00:00:02', 'bm6', 'BM6'],
    ['50:54:7B:00:00:05', 'bm2', 'Battery Monitor'],
  ]);
  assert.deepEqual(air.controller.state, idle);
  const all = parsed((await shell('ble-scan --all --duration 2s', { env: environment(air) })).stdout);
  assert.equal(all.length, 7);
});

test('a scan that finds no monitor says so, and what else was there', async (t) => {
  for (const [devices, said] of [
    [crowd(3), /no battery monitor in reach, of 3 devices none is known as one \(--all shows them\)/],
    [[], /no battery monitor in reach, and nothing else/],
  ] as const) {
    const air = await testAir(t, devices);
    if (!air) return;
    const { status, stdout, stderr } = await shell('ble-scan --duration 2s', { env: environment(air) });
    assert.deepEqual([status, stdout], [0, '']);
    assert.match(stderr, said);
  }
});

test('--passive reads monitors with no connection', async (t) => {
  const air = await testAir(t, [bm6, bm2]);
  if (!air) return;
  const { stdout } = await shell('ble-scan --passive --duration 2s', { env: environment(air) });
  const readings = parsed(stdout).filter(({ type }) => type === 'battery_reading');
  assert.deepEqual(
    readings
      .map(({ time: _, type: __, ...rest }) => rest)
      .sort((a, b) => (String(a['device_id']) < String(b['device_id']) ? -1 : 1)),
    [
      { device_id: '50:54:7B:00:00:02', device_type: 'bm6', voltage: 12.61, state_of_charge: 85, state: 'normal' },
      { device_id: '50:54:7B:00:00:05', device_type: 'bm2', voltage: 12.61, state_of_charge: 85, state: 'normal' },
    ],
  );
  assert.ok(!air.events.some(({ event }) => event === 'connected'));
});

test('--connect reads what was found, and one that cannot be read does not hold up the others (HAWK-136)', async (t) => {
  const held = bmPeripheral({ family: 'bm7', clock: systemClock, values, faults: { busy: true } });
  const air = await testAir(t, [bm6, bm2, held]);
  if (!air) return;
  const env = environment(air);
  const { status, stdout, stderr } = await shell('ble-scan --connect --duration 2s', { env });
  assert.equal(status, 0, stderr);
  const records = parsed(stdout);
  const readings = records.filter(({ type }) => type === 'battery_reading');
  assert.deepEqual(readings.map(({ device_type, temperature }) => [device_type, temperature]).sort(), [
    ['bm2', undefined],
    ['bm6', -7],
  ]);
  assert.equal(records.find(({ type }) => type === 'device_info')?.['version_raw'], '01080005');
  assert.match(stderr, /50:54:7B:00:00:09: it takes no connection now/);
  assert.deepEqual(air.controller.state, idle);
});

test('--connect with no monitor that can be read ends with 69', async (t) => {
  const air = await testAir(t, [bmPeripheral({ family: 'bm6', clock: systemClock, values, faults: { busy: true } })]);
  if (!air) return;
  const { status, stderr } = await shell('ble-scan --connect --duration 1500ms', { env: environment(air) });
  assert.equal(status, 69);
  assert.match(stderr, /no monitor could be read/);
});

test('--register stores new monitors as discovered, each in a vehicle of its own, and tells the new ones alone (HAWK-95)', async (t) => {
  const air = await testAir(t, [bm6, bm2, ...crowd(3)]);
  if (!air) return;
  const home = temporaryFolder('home');
  const env = environment(air, home);
  const first = parsed((await shell('ble-scan --register --duration 2s', { env })).stdout);
  const news = first.filter(({ type }) => type === 'device_status');
  assert.deepEqual(news.map(({ device_id, status }) => [device_id, status]).sort(), [
    ['50:54:7B:00:00:02', 'discovered'],
    ['50:54:7B:00:00:05', 'discovered'],
  ]);
  assert.deepEqual(news.map(({ vehicle_name }) => vehicle_name).sort(), ['Vehicle 1', 'Vehicle 2']);
  const { devices } = JSON.parse(readFileSync(join(home, 'state/voltpipe/devices.json'), 'utf8')) as {
    devices: Record<string, { status: string; device_type: string }>;
  };
  assert.deepEqual(
    [devices['50:54:7B:00:00:02']?.status, devices['50:54:7B:00:00:02']?.device_type],
    ['discovered', 'BM6'],
  );
  const second = parsed((await shell('ble-scan --register --duration 1500ms', { env })).stdout);
  assert.ok(!second.some(({ type }) => type === 'device_status'));
});

test('-i scans again and again, gives the adapter back in between, and ends on a signal with nothing on (HAWK-04)', async (t) => {
  const air = await testAir(t, [bm6]);
  if (!air) return;
  const scan = background(['ble-scan', '-i', '2s', '--duration', '500ms'], environment(air));
  await air.until(({ events }) => events.filter(({ event }) => event === 'scan_stopped').length >= 2);
  assert.equal(air.controller.state.scanning, false);
  await air.until(({ events }) => events.filter(({ event }) => event === 'scan_started').length >= 3);
  await scan.stop('SIGTERM');
  assert.equal((await scan.ended).signal, 'SIGTERM', scan.stderr());
  assert.deepEqual(air.controller.state, idle);
  assert.ok(scan.lines.length >= 2);
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} in the middle of a scan leaves no scan on and the lock free`, async (t) => {
    const air = await testAir(t, [bm6]);
    if (!air) return;
    const env = environment(air);
    const scan = background(['ble-scan', '--duration', '60s'], env);
    await scan.line(({ type }) => type === 'ble_device');
    await scan.stop(signal);
    assert.equal((await scan.ended).signal, signal, scan.stderr());
    assert.deepEqual(air.controller.state, idle);
    assert.equal((await shell('ble-scan --once --adapter-wait 0s', { env })).status, 0);
  });
}

test('--timeout ends a scan with 75 and leaves no scan on', async (t) => {
  const air = await testAir(t, [bm6]);
  if (!air) return;
  const { status } = await shell('ble-scan --duration 60s --timeout 3s', { env: environment(air) });
  assert.equal(status, 75);
  assert.deepEqual(air.controller.state, idle);
});

test('--once ends with the first monitor, a reader that goes away too', async (t) => {
  const air = await testAir(t, [...crowd(3), bm6]);
  if (!air) return;
  const env = environment(air);
  for (const line of ['ble-scan --once --duration 60s', 'ble-scan --all --duration 3s | head -n 1']) {
    const { status, stdout, stderr } = await shell(line, { env });
    assert.equal(status, 0, stderr);
    assert.equal(parsed(stdout).length, 1, line);
    await air.until(({ controller }) => !controller.state.scanning);
  }
});

test('a name from the air is shown without control characters, and none is no name', async (t) => {
  assert.equal(cleanName('\u001b[31mBM6\u0007\u202e \u200b'), '[31mBM6');
  assert.equal(cleanName('\u0000\u0001'), undefined);
  assert.equal(cleanName('x'.repeat(300))?.length, 64);
  const evil: Peripheral = {
    address: 'C2:00:00:00:00:77',
    services: [],
    advertise: () => ({ data: ad.name('\u001b]0;x\u0007BM\n6'), connectable: true }),
  };
  const air = await testAir(t, [evil]);
  if (!air) return;
  const { stdout } = await shell('ble-scan --all --duration 1500ms', { env: environment(air) });
  assert.equal(parsed(stdout)[0]?.['name'], ']0;xBM6');
});

test('recorded devices are decoded with no Bluetooth, and what is no ble_device is passed over', async () => {
  const device = { type: 'ble_device', time: '2026-03-01T12:00:00.000Z' };
  const block = 'c25f02c637493db02a61838d3a581216';
  const { records, status } = await runCommand(command, {
    flags: { replay: '-', passive: true },
    input: [
      { ...device, device_id: '38:3B:26:00:00:01', manufacturer_data: block },
      { ...device, device_id: '38:3B:26:00:00:01', manufacturer_data: block },
      { ...device, device_id: '38:3B:26:00:00:99', manufacturer_data: block },
      { type: 'other', time: device.time },
      { type: 'ble_device', time: device.time },
    ],
  });
  assert.equal(status, 65, 'one has no device_id');
  assert.deepEqual(
    records.map(({ type, device_id, device_type, voltage }) => [type, device_id, device_type, voltage]),
    [
      ['battery_reading', '38:3B:26:00:00:01', 'bm6', 12.53],
      ['other', undefined, undefined, undefined],
      ['ble_device', '38:3B:26:00:00:01', 'bm6', undefined],
    ],
  );
});

test('lines of a --replay file that are no records are said and counted, and the others are decoded', async () => {
  const file = join(temporaryFolder('replay'), 'devices.ndjson');
  const device = '{"type":"ble_device","time":"2026-03-01T12:00:00.000Z","device_id":"38:3B:26:00:00:01","name":"BM6"}';
  writeFileSync(
    file,
    `null\n${device}\n[1]\n{"type":\n{"device_id":"x"}\n{"type":"ble_device","time":"2026-03-01T12:00:00.000Z"}\n`,
  );
  const { records, status, log } = await runCommand(command, { flags: { replay: file } });
  assert.deepEqual(
    records.map(({ device_id }) => device_id),
    ['38:3B:26:00:00:01'],
  );
  assert.equal(status, 65);
  for (const [line, why] of [
    [1, 'not a JSON object'],
    [3, 'not a JSON object'],
    [4, 'not JSON'],
    [5, 'no "type"'],
    [6, 'ble_device without device_id or time'],
  ]) {
    assert.ok(log.join('\n').includes(`line ${line}: not a record: ${file}: ${why}`), log.join('\n'));
  }
});

test('no adapter, no rights and a switched-off one are said in one line, with statuses of their own', async () => {
  const root = temporaryFolder('machine');
  const bluetooth = join(root, 'sys/class/bluetooth/hci0/rfkill0');
  const env = cleanEnvironment(root, { VOLTPIPE_BLUETOOTH_SYSTEM_ROOT: root });
  const says = async (status: number, text: RegExp): Promise<void> => {
    const got = await shell('ble-scan', { env });
    assert.equal(got.status, status, got.stderr);
    assert.match(got.stderr, text);
    assert.equal(got.stderr.trim().split('\n').length, 1, got.stderr);
    assert.equal(got.stdout, '');
  };
  await says(69, /no Bluetooth adapter\. Plug one in/);
  mkdirSync(bluetooth, { recursive: true });
  writeFileSync(join(bluetooth, 'soft'), '1\n');
  await says(75, /hci0: switched off \(rfkill\)\. Run: rfkill unblock bluetooth/);
  writeFileSync(join(bluetooth, 'soft'), '0\n');
  mkdirSync(join(root, 'proc/self'), { recursive: true });
  writeFileSync(join(root, 'proc/self/status'), 'Uid:\t1000\t1000\t1000\t1000\nCapEff:\t0000000000000000\n');
  await says(77, /hci0: not permitted: CAP_NET_RAW is missing\. Run it as a systemd service/);
});

test('an ordinary user with no capability is told so by the real /proc', async (t) => {
  if (!requireOrdinaryUser(t)) return;
  const root = temporaryFolder('machine');
  mkdirSync(join(root, 'sys/class/bluetooth/hci0'), { recursive: true });
  mkdirSync(join(root, 'proc/self'), { recursive: true });
  writeFileSync(join(root, 'proc/self/status'), readFileSync('/proc/self/status'));
  const { status, stderr } = await shell('ble-scan', {
    env: cleanEnvironment(root, { VOLTPIPE_BLUETOOTH_SYSTEM_ROOT: root }),
  });
  assert.equal(status, 77, stderr);
});

test('a controller that is not there is said at once, not waited for', async () => {
  const { status, stderr } = await shell('ble-scan --adapter /dev/ttyNobody');
  assert.equal(status, 69);
  assert.match(stderr, /Bluetooth adapter \/dev\/ttyNobody: is not there/);
});
