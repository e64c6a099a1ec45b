import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../src/runtime/clock.ts';
import { bmPeripheral } from '../../src/simulators/ble/bm.ts';
import type { BmValues } from '../../src/simulators/ble/bm-frames.ts';
import { dalyModule, jbdModule } from '../../src/simulators/ble/module.ts';
import type { PeripheralFaults } from '../../src/simulators/ble/peripheral.ts';
import { dalyDevice } from '../../src/simulators/bms/daly.ts';
import { jbdDevice } from '../../src/simulators/bms/jbd.ts';
import { createPack } from '../../src/simulators/bms/pack.ts';
import { background, backgroundPipeline } from '../support/background.ts';
import { airVariables, idle, type TestAir, testAir } from '../support/bluetooth.ts';
import { parsed } from '../support/ndjson.ts';
import { cleanEnvironment, shell, temporaryFolder } from '../support/shell.ts';

const values = (): BmValues => ({ voltage: 12.61, charge: 85, temperature: -7, state: 'normal' });
type BmKind = Parameters<typeof bmPeripheral>[0]['family'];
const monitor = (family: BmKind, faults: PeripheralFaults = {}, more: { stored?: number; cutHistory?: boolean } = {}) =>
  bmPeripheral({ family, clock: systemClock, values, faults, ...more });
const environment = (air: TestAir, driver = 'abandonware') =>
  cleanEnvironment(temporaryFolder('home'), { ...airVariables(air), VOLTPIPE_BLUETOOTH_DRIVER: driver });

const families = [
  { family: 'bm2', temperature: undefined },
  { family: 'bm6', temperature: -7 },
  { family: 'bm7', temperature: -7 },
] as const;

for (const driver of ['abandonware', 'stoprocent']) {
  for (const { family, temperature } of families) {
    test(`${driver}: a ${family} is read over Bluetooth, its type found out, and nothing is left on (HAWK-02, HAWK-03)`, async (t) => {
      const device = monitor(family);
      const air = await testAir(t, [device]);
      if (!air) return;
      const { status, stdout, stderr } = await shell(`bms-read --ble ${device.address.toLowerCase()}`, {
        env: environment(air, driver),
      });
      assert.equal(status, 0, stderr);
      const [{ time, ...reading } = {}] = parsed(stdout);
      assert.match(String(time), /Z$/);
      assert.deepEqual(reading, {
        type: 'battery_reading',
        device_id: device.address,
        device_type: family,
        voltage: 12.61,
        state_of_charge: 85,
        ...(temperature !== undefined && { temperature }),
        state: 'normal',
      });
      assert.deepEqual(air.controller.state, idle);
    });
  }
}

test('a device that advertises nothing of itself is told by its services and its answers', async (t) => {
  const hidden = { ...monitor('bm7'), advertise: () => ({ data: Buffer.from('020106', 'hex'), connectable: true }) };
  const air = await testAir(t, [hidden]);
  if (!air) return;
  const { status, stdout, stderr } = await shell(`bms-read --ble ${hidden.address}`, { env: environment(air) });
  assert.equal(status, 0, stderr);
  assert.equal(parsed(stdout)[0]?.['device_type'], 'bm7');
});

test('the wrong type is said to be wrong, with the right status', async (t) => {
  const device = monitor('bm6');
  const air = await testAir(t, [device]);
  if (!air) return;
  const env = environment(air);
  const wrongKey = await shell(`bms-read --ble ${device.address} --type bm7 --read-timeout 300ms`, { env });
  assert.equal(wrongKey.status, 69, wrongKey.stderr);
  // Its first notification, which is all zeros, is nothing.
  assert.match(wrongKey.stderr, /no answer to live values .*: nothing came at all\. Is --type right\? ble-scan says/);
  const wrongService = await shell(`bms-read --ble ${device.address} --type jbd`, { env });
  assert.equal(wrongService.status, 69);
  assert.match(wrongService.stderr, /none of the services asked for \(it has fff0\)\. Is its type right\?/);
  const daly = await shell(`bms-read --ble ${device.address} --type daly`, { env });
  assert.match(daly.stderr, /none of the services asked for \(it has fff0: fff3, fff4\)/);
  assert.equal(
    (await shell('bms-read --ble AA:BB:CC:DD:EE:FF --type daly-p81 --port tcp://127.0.0.1:9', { env })).status !== 0,
    true,
  );
  assert.deepEqual(air.controller.state, idle);
});

test('the version of a BM6 is printed as it came', async (t) => {
  const device = monitor('bm6');
  const air = await testAir(t, [device]);
  if (!air) return;
  const { stdout, stderr } = await shell(`bms-read --ble ${device.address} --info`, { env: environment(air) });
  assert.equal(parsed(stdout)[0]?.['version_raw'], '01080005', stderr);
});

for (const { family } of families) {
  test(`what a ${family} has stored comes oldest first, two minutes apart`, async (t) => {
    const device = monitor(family, {}, { stored: 300 });
    const air = await testAir(t, [device]);
    if (!air) return;
    const { status, stdout, stderr } = await shell(`bms-read --ble ${device.address} --type ${family} --history`, {
      env: environment(air),
    });
    assert.equal(status, 0, stderr);
    const records = parsed(stdout);
    assert.equal(records.length, 300);
    const times = records.map(({ time }) => Date.parse(String(time)));
    for (let i = 1; i < times.length; i++) assert.equal(times[i]! - times[i - 1]!, 120_000);
    assert.ok(records.every(({ voltage }) => voltage === 12.61));
    assert.ok(
      records.every((record) => !('temperature' in record)),
      'the log does not tell its sign',
    );
  });
}

test('a history that is broken off is given as far as it came, and said to be partial, with 76', async (t) => {
  const device = monitor('bm6', {}, { stored: 200, cutHistory: true });
  const air = await testAir(t, [device]);
  if (!air) return;
  const { status, stdout, stderr } = await shell(`bms-read --ble ${device.address} --type bm6 --history`, {
    env: environment(air),
  });
  assert.equal(status, 76);
  assert.match(stderr, /history: partial: the end did not come/);
  const count = parsed(stdout).length;
  assert.ok(count > 50 && count < 200, `${count}`);
});

/** Its engine is started `engineStart` ms after it was listened to; at once: a reading takes no longer than 20. */
const starter = (family: 'bm6' | 'bm7', engineStart = 1, faults: PeripheralFaults = {}) =>
  bmPeripheral({ family, clock: systemClock, values, faults, stored: 300, engineStart, crankingVoltage: 9.42 });
const start = {
  type: 'engine_start',
  device_id: '50:54:7B:00:00:02',
  device_type: 'bm6',
  cranking_voltage: 9.42,
  voltage_before: 12.61,
  sample_rate: 100,
};
const picked = (record: Record<string, unknown> | undefined, like: object) =>
  Object.fromEntries(Object.keys(like).map((key) => [key, record?.[key]]));

for (const driver of ['abandonware', 'stoprocent']) {
  test(`${driver}: an engine that is started while the history is read comes out behind it, and of neither is anything lost`, async (t) => {
    const device = starter('bm6', 500);
    const air = await testAir(t, [device]);
    if (!air) return;
    const { status, stdout, stderr } = await shell(`bms-read --ble ${device.address} --type bm6 --history`, {
      env: environment(air, driver),
    });
    assert.equal(status, 0, stderr);
    const records = parsed(stdout);
    assert.equal(records.filter(({ type }) => type === 'battery_reading').length, 300);
    const [told, ...others] = records.slice(300);
    assert.deepEqual([picked(told, start), others], [start, []]);
    assert.equal((told as { voltages?: unknown[] } | undefined)?.voltages?.length, 352);
    assert.deepEqual(air.controller.state, idle);
  });
}

test('a single reading waits for the start that the device is telling of', async (t) => {
  const device = starter('bm7');
  const air = await testAir(t, [device]);
  if (!air) return;
  const { status, stdout, stderr } = await shell(`bms-read --ble ${device.address} --type bm7`, {
    env: environment(air),
  });
  assert.equal(status, 0, stderr);
  const types = parsed(stdout).map(({ type, cranking_voltage }) => [type, cranking_voltage]);
  assert.deepEqual(types, [
    ['battery_reading', undefined],
    ['engine_start', 9.42],
  ]);
});

test('a weak start raises an alarm while the battery is read at an interval', async (t) => {
  const device = starter('bm6');
  const air = await testAir(t, [device]);
  if (!air) return;
  const line = `bms-read --ble ${device.address} --type bm6 -i 10s | alarm 'engine_start.cranking_voltage<9.6' --only alarm`;
  const pipeline = backgroundPipeline(line, environment(air));
  const alarm = await pipeline.line(({ type }) => type === 'alarm');
  assert.deepEqual([alarm['state'], alarm['value'], alarm['device_id']], ['raised', 9.42, device.address]);
  await pipeline.stop();
});

test('a start whose connection breaks in the middle is said, and no half a start is put out', async (t) => {
  const device = starter('bm6', 1, { disconnectAfter: 12 });
  const air = await testAir(t, [device]);
  if (!air) return;
  const { stdout, stderr } = await shell(`bms-read --ble ${device.address} --type bm6`, { env: environment(air) });
  assert.match(stderr, /engine start: broken off after \d+ frames/);
  assert.ok(parsed(stdout).every(({ type }) => type === 'battery_reading'));
});

test('ble-scan --connect and the fleet put out a start as well', async (t) => {
  const device = starter('bm6');
  const air = await testAir(t, [device]);
  if (!air) return;
  const env = { ...environment(air), VOLTPIPE_DISCOVERY_INITIAL_SCAN: 'false' };
  const scan = await shell('ble-scan --connect --duration 2s', { env });
  assert.deepEqual(
    picked(
      parsed(scan.stdout).find(({ type }) => type === 'engine_start'),
      start,
    ),
    start,
    scan.stderr,
  );
  assert.equal((await shell(`registry add ${device.address} --name Starter --type bm6`, { env })).status, 0);
  const fleet = await shell('bms-read --registry --once', { env });
  const wanted = { ...start, device_name: 'Starter', vehicle_id: 'vehicle_1' };
  assert.deepEqual(
    picked(
      parsed(fleet.stdout).find(({ type }) => type === 'engine_start'),
      wanted,
    ),
    wanted,
    fleet.stderr,
  );
});

const failures: readonly [string, PeripheralFaults, number, RegExp][] = [
  ['is held by a phone', { busy: true }, 69, /a phone or another host holds it\. Close the app/],
  ['never connects', { unreachable: true }, 69, /no answer in 2 s \(connect\)/],
  // The second: when the next write is quicker than the news.
  ['hangs up in the middle', { disconnectAfter: 1, loseWrites: 1 }, 69, /hung up|disconnected/],
  ['sends nothing', { silent: true }, 69, /nothing came at all/],
];

for (const [what, faults, wanted, text] of failures) {
  test(`a device that ${what} is said to be so, with ${wanted}, and nothing is left on`, async (t) => {
    const device = monitor('bm6', faults);
    const air = await testAir(t, [device]);
    if (!air) return;
    const env = { ...environment(air), VOLTPIPE_BLUETOOTH_CONNECTION_TIMEOUT: '2s' };
    const { status, stdout, stderr } = await shell(
      `bms-read --ble ${device.address} --type bm6 --read-timeout 500ms --retries 2`,
      { env },
    );
    assert.equal(status, wanted, stderr);
    assert.match(stderr, text);
    assert.equal(stdout, '');
    assert.deepEqual(air.controller.state, idle);
  });
}

test('a device that is not there is said to be unseen', async (t) => {
  const air = await testAir(t, []);
  if (!air) return;
  const env = { ...environment(air), VOLTPIPE_BLUETOOTH_CONNECTION_TIMEOUT: '1s' };
  const { status, stderr } = await shell('bms-read --ble 50:54:7B:00:00:02', { env });
  assert.equal(status, 69);
  assert.match(stderr, /50:54:7B:00:00:02: not seen in 1 s\. Is it in reach and awake/);
  assert.deepEqual(air.controller.state, idle);
});

test('the variables that noble knows choose the adapter: a controller behind a serial port', async (t) => {
  const device = monitor('bm6');
  const air = await testAir(t, [device]);
  if (!air) return;
  const { VOLTPIPE_BLUETOOTH_ADAPTER: BLUETOOTH_HCI_SOCKET_UART_PORT, ...env } = environment(air);
  const { status, stdout, stderr } = await shell(`bms-read --ble ${device.address} --type bm6`, {
    env: { ...env, BLUETOOTH_HCI_SOCKET_UART_PORT },
  });
  assert.equal(status, 0, stderr);
  assert.equal(parsed(stdout)[0]?.['voltage'], 12.61);
  assert.deepEqual(air.controller.state, idle);
});

test('the variables that noble knows choose the adapter: one by its number, and exclusively', async () => {
  const root = temporaryFolder('machine');
  for (const name of ['hci1', 'hci2'])
    mkdirSync(join(root, 'sys/class/bluetooth', name, 'rfkill0'), { recursive: true });
  writeFileSync(join(root, 'sys/class/bluetooth/hci2/rfkill0/soft'), '1\n');
  mkdirSync(join(root, 'proc/self'), { recursive: true });
  // CAP_NET_RAW alone.
  writeFileSync(join(root, 'proc/self/status'), 'Uid:\t1000\t1000\t1000\t1000\nCapEff:\t0000000000002000\n');
  const says = async (variables: Record<string, string>, status: number, text: RegExp): Promise<void> => {
    const env = cleanEnvironment(root, { VOLTPIPE_BLUETOOTH_SYSTEM_ROOT: root, ...variables });
    for (const command of ['ble-scan', 'bms-read --ble 50:54:7B:00:00:02']) {
      const got = await shell(command, { env });
      assert.equal(got.status, status, got.stderr);
      assert.match(got.stderr, text);
    }
  };
  await says({ NOBLE_HCI_DEVICE_ID: '2' }, 75, /hci2: switched off \(rfkill\)/);
  await says({ NOBLE_HCI_DEVICE_ID: '7' }, 69, /adapter 7: not found, there is hci1, hci2/);
  await says({ NOBLE_HCI_DEVICE_ID: '1', HCI_CHANNEL_USER: '1' }, 77, /hci1: not permitted: CAP_NET_ADMIN is missing/);
});

test('a lost first request is sent again', async (t) => {
  const device = monitor('bm6', { loseWrites: 1 });
  const air = await testAir(t, [device]);
  if (!air) return;
  const { status, stderr } = await shell(`bms-read --ble ${device.address} --type bm6 --read-timeout 500ms`, {
    env: environment(air),
  });
  assert.equal(status, 0, stderr);
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} while it reads at an interval ends it with nothing left on and the lock free`, async (t) => {
    const device = monitor('bm6');
    const air = await testAir(t, [device]);
    if (!air) return;
    const env = environment(air);
    const reading = background(['bms-read', '--ble', device.address, '-i', '1s'], env);
    await reading.line(({ type }) => type === 'battery_reading');
    assert.deepEqual(air.controller.state.connections, [device.address], 'a short pause keeps the link');
    await reading.stop(signal);
    assert.equal((await reading.ended).signal, signal, reading.stderr());
    assert.deepEqual(air.controller.state, idle);
    assert.equal((await shell(`bms-read --ble ${device.address} --type bm6 --adapter-wait 0s`, { env })).status, 0);
  });
}

test('between readings that are far apart the device is let go', async (t) => {
  const device = monitor('bm6');
  const air = await testAir(t, [device]);
  if (!air) return;
  const reading = background(['bms-read', '--ble', device.address, '-i', '60s'], environment(air));
  await reading.line(({ type }) => type === 'battery_reading');
  await air.until(
    ({ controller, events }) =>
      events.some(({ event }) => event === 'disconnected') && controller.state.connections.length === 0,
  );
  await reading.stop();
});

test('a device that goes out of reach is read again when it is back, said once each', async (t) => {
  const device = monitor('bm6');
  const air = await testAir(t, [device]);
  if (!air) return;
  const reading = background(['bms-read', '--ble', device.address, '-i', '1s'], environment(air));
  await reading.line(({ type }) => type === 'battery_reading');
  air.controller.drop(device.address);
  const before = reading.lines.length;
  await air.until(({ events }) => events.filter(({ event }) => event === 'connected').length >= 2);
  await reading.line(() => reading.lines.length > before);
  await reading.stop();
  assert.match(reading.stderr(), /out of reach/);
});

test('a Bluetooth child that is killed costs a reading at most, and the next one comes', async (t) => {
  const device = monitor('bm6');
  const air = await testAir(t, [device]);
  if (!air) return;
  const reading = background(['bms-read', '--ble', device.address, '-i', '1s'], environment(air));
  await reading.line(({ type }) => type === 'battery_reading');
  const { stdout } = await shell(`pgrep -P ${reading.child.pid} -f ble-child`);
  process.kill(Number(stdout.trim()), 'SIGKILL');
  await air.until(({ events }) => events.some(({ event }) => event === 'disconnected'));
  const before = reading.lines.length;
  await air.until(({ events }) => events.filter(({ event }) => event === 'connected').length >= 2);
  await reading.line(() => reading.lines.length > before);
  await reading.stop();
  assert.match(reading.stderr(), /helper ended \(SIGKILL\); starting another/);
  assert.deepEqual(air.controller.state, idle);
});

test('the fleet reads its Bluetooth devices, finds new ones at its start, and leaves nothing on (HAWK-92, HAWK-96)', async (t) => {
  const known = monitor('bm6');
  const air = await testAir(t, [known, monitor('bm2')]);
  if (!air) return;
  const env = { ...environment(air), VOLTPIPE_DISCOVERY_SCAN_DURATION: '2s' };
  const added = await shell(`registry add ${known.address} --name Starter`, { env });
  assert.equal(added.status, 0, added.stderr);
  const { status, stdout, stderr } = await shell('bms-read --registry --once', { env });
  assert.equal(status, 0, stderr);
  const records = parsed(stdout);
  const reading = records.find(({ type }) => type === 'battery_reading');
  assert.deepEqual(
    [reading?.['device_name'], reading?.['voltage'], reading?.['vehicle_name']],
    ['Starter', 12.61, 'Vehicle 1'],
  );
  const found = records.find(({ type, status: is }) => type === 'device_status' && is === 'discovered');
  assert.deepEqual([found?.['device_id'], found?.['vehicle_name']], ['50:54:7B:00:00:05', 'Vehicle 2']);
  assert.deepEqual(air.controller.state, idle);
});

const board = () => createPack({ cells: 8, current: -12.3, soc: 81, capacity: 280 }, systemClock);
const modules = [
  {
    name: 'jbd',
    family: 'jbd',
    make: (faults: PeripheralFaults) =>
      jbdModule({ device: jbdDevice(board()), clock: systemClock, faults }, 'A4:C1:37:00:5E:08'),
  },
  ...(['a5', 'd2', 'p81'] as const).map((dialect) => ({
    name: `daly-${dialect}`,
    family: 'daly',
    make: (faults: PeripheralFaults) =>
      dalyModule(
        { device: dalyDevice(board(), { dialect, board: 1, stale: false }), clock: systemClock, faults },
        '17:71:06:02:0D:D1',
      ),
  })),
];

for (const { name, family, make } of modules) {
  test(`a ${name} board behind its Bluetooth module is found out and read${family === 'jbd' ? ', its first request lost' : ''}`, async (t) => {
    const device = make(family === 'jbd' ? { loseWrites: 1 } : {});
    const air = await testAir(t, [device, monitor('bm6')]);
    if (!air) return;
    const { status, stdout, stderr } = await shell(`bms-read --ble ${device.address}`, { env: environment(air) });
    assert.equal(status, 0, stderr);
    const [reading] = parsed(stdout);
    assert.ok(reading);
    assert.equal(reading['device_type'], family);
    assert.equal((reading['cells'] as number[]).length, 8);
    assert.equal(reading['current'], -12.3);
    assert.doesNotMatch(stderr, /another master/);
    assert.deepEqual(air.controller.state, idle);
  });
}

for (const driver of ['abandonware', 'stoprocent']) {
  test(`${driver}: a locked JBD module is read with its password; a wrong one ends with 77, none with 69, and nothing is left on`, async (t) => {
    const device = jbdModule(
      { device: jbdDevice(board()), clock: systemClock, password: '123123' },
      'A4:C1:37:00:5E:08',
    );
    const air = await testAir(t, [device]);
    if (!air) return;
    const env = environment(air, driver);
    const line = `bms-read --ble ${device.address} --read-timeout 500ms`;
    const right = await shell(line, { env: { ...env, VOLTPIPE_BMS_PASSWORD: '123123' } });
    assert.equal(right.status, 0, right.stderr);
    assert.equal(parsed(right.stdout)[0]?.['current'], -12.3);
    const wrong = await shell(line, { env: { ...env, VOLTPIPE_BMS_PASSWORD: '654321' } });
    assert.equal(wrong.status, 77, wrong.stderr);
    assert.match(wrong.stderr, /A4:C1:37:00:5E:08: the password is wrong\. Give another with --password-file/);
    assert.equal(wrong.stdout, '');
    assert.doesNotMatch(wrong.stderr, /654321/);
    const none = await shell(line, { env });
    assert.equal(none.status, 69, none.stderr);
    assert.match(none.stderr, /stays silent until it gets its password: --password-file/);
    assert.deepEqual(air.controller.state, idle);
  });
}
