import assert from 'node:assert/strict';
import { test } from 'node:test';
import { command as haDiscovery } from '../../src/commands/ha-discovery.ts';
import { command as mqttPub } from '../../src/commands/mqtt-pub.ts';
import type { VoltRecord } from '../../src/records/record.ts';
import { type RunOptions, runCommand } from '../support/command.ts';
import { requireService } from '../support/services.ts';
import { cleanEnvironment, shell, temporaryFolder } from '../support/shell.ts';

const time = '2026-03-01T12:00:00.000Z';
const reading = (device_id: string, rest: object = { voltage: 12.7 }): VoltRecord => ({
  type: 'battery_reading',
  time,
  device_id,
  ...rest,
});
const run = (
  input: VoltRecord[],
  dataDir: string,
  flags: Record<string, unknown> = {},
  rest: Partial<RunOptions> = {},
) => runCommand(haDiscovery, { input, dataDir, flags, ...rest });
const topics = ({ records }: { records: VoltRecord[] }): unknown[] =>
  records.filter(({ type }) => type === 'mqtt_message').map(({ topic }) => topic);
const config = (id: string): string => `homeassistant/device/voltpipe_${id}/config`;

test('each monitor and each vehicle is a device, announced before its first record; records pass as they are (HAWK-15, HAWK-151)', async () => {
  const gap = { type: 'gap', time, source: 'x', count: 1 };
  const car = { type: 'vehicle_telemetry', time, vin: 'WBY1', utc: 1, soc: 60 };
  const input = [reading('a'), gap, reading('b'), reading('a'), car];
  const got = await run(input, temporaryFolder('ha'));
  assert.equal(got.status, 0);
  assert.deepEqual(
    got.records.map(({ type, topic }) => topic ?? type),
    [
      config('a'),
      'battery_reading',
      'gap',
      config('b'),
      'battery_reading',
      'battery_reading',
      config('WBY1'),
      'vehicle_telemetry',
    ],
  );
  assert.deepEqual(
    got.records.filter(({ type }) => type !== 'mqtt_message'),
    input,
  );
  for (const { type, qos, retain } of got.records)
    if (type === 'mqtt_message') assert.deepEqual([qos, retain], [1, true]);
});

test('a restart announces each device once, a job of cron only what is new; --announce says all again', async () => {
  const dataDir = temporaryFolder('ha');
  const cron = { status: true }; // --no-status
  await run([reading('a'), reading('b')], dataDir);
  assert.deepEqual(topics(await run([reading('b'), reading('b')], dataDir)), [config('b')]);
  await run([reading('a'), reading('b')], dataDir, cron);
  assert.deepEqual(topics(await run([reading('a'), reading('b')], dataDir, cron)), []);
  const more = await run([reading('a', { current: 1 })], dataDir, cron);
  assert.deepEqual(topics(more), [config('a')]);
  const { components } = more.records[0]!['payload'] as { components: object };
  assert.deepEqual(Object.keys(components), ['voltage', 'current']);
  assert.deepEqual(topics(await run([reading('a'), reading('b')], dataDir, { ...cron, announce: true })), [
    config('a'),
    config('b'),
  ]);
});

test('a value of a battery is shown for two hours without a new reading, unless said', async () => {
  const expiry = async (flags: Record<string, unknown>): Promise<unknown> => {
    const { records } = await run([reading('a')], temporaryFolder('ha'), flags);
    return (records[0]!['payload'] as { components: Record<string, Record<string, unknown>> }).components['voltage']![
      'expire_after'
    ];
  };
  assert.equal(await expiry({}), 7200);
  assert.equal(await expiry({ expireAfter: '90s' }), 90);
  assert.equal(await expiry({ expireAfter: '0' }), undefined);
});

test('two instances know nothing of each other', async () => {
  const dataDir = temporaryFolder('ha');
  await run([reading('a')], dataDir);
  assert.deepEqual(topics(await run([reading('a')], dataDir, { instance: 'garage' })), [config('a')]);
});

test('--announce and --remove exclude each other (64)', async () => {
  assert.equal((await runCommand(haDiscovery, { flags: { announce: true, remove: true } })).status, 64);
});

test('on a terminal it says what it waits for, and --remove waits for nothing', async (t) => {
  if (!requireService(t, 'script')) return;
  const home = temporaryFolder('ha');
  const onTerminal = (line: string) =>
    shell(`script -qec '${line}' /dev/null < /dev/null`, { cwd: home, env: cleanEnvironment(home, { TERM: 'xterm' }) });
  for (const line of ['ha-discovery', 'ha-discovery --announce']) {
    const waits = await onTerminal(line);
    assert.match(waits.stdout, /ha-discovery: reads records from stdin, which is a terminal/);
    assert.equal(waits.status, 64);
  }
  const removed = await onTerminal('ha-discovery --remove AA:BB:CC:DD:EE:FF');
  assert.match(removed.stdout, /voltpipe_AABBCCDDEEFF/);
  assert.equal(removed.status, 0);
});

test('--remove takes devices out of Home Assistant, their retained states too, and forgets them', async () => {
  const dataDir = temporaryFolder('ha');
  const status = { type: 'device_status', time, device_id: 'a', status: 'connected' };
  await run([reading('a'), status, reading('b'), reading('c')], dataDir);
  const one = await run([], dataDir, { remove: true }, { args: ['a'] });
  assert.deepEqual(topics(one), [config('a'), 'voltpipe/device/a/status']);
  assert.ok(one.records.every(({ payload, retain }) => payload === '' && retain === true));
  const rest = await run([], dataDir, { remove: true });
  assert.deepEqual(topics(rest), [config('b'), config('c')]);
  assert.deepEqual(topics(await run([], dataDir, { remove: true })), []);
  assert.deepEqual(topics(await run([reading('a')], dataDir)), [config('a')]);
  // What this data directory never heard of can be taken out too.
  const stranger = await run([], dataDir, { remove: true }, { args: ['AA:BB:CC:DD:EE:FF'] });
  assert.deepEqual(topics(stranger), [config('AABBCCDDEEFF')]);
});

const alarm = (name: string, state: string): VoltRecord => ({
  type: 'alarm',
  time,
  device_id: 'a',
  alarm: name,
  state,
});

test('an alarm is announced before its first record, and --remove empties the retained record of each', async () => {
  const dataDir = temporaryFolder('ha');
  const got = await run([reading('a'), alarm('soc<20', 'raised'), alarm('soc<20', 'cleared')], dataDir);
  assert.deepEqual(
    got.records.map(({ type, topic }) => topic ?? type),
    [config('a'), 'battery_reading', config('a'), 'alarm', 'alarm'],
  );
  await run([alarm('soc>90', 'raised')], dataDir);
  const removed = await run([], dataDir, { remove: true });
  assert.deepEqual(topics(removed), [config('a'), 'voltpipe/alarm/a/soc_lt_20', 'voltpipe/alarm/a/soc_gt_90']);
  assert.ok(removed.records.every(({ payload, retain }) => payload === '' && retain === true));
});

test('--topic without {alarm} sends two alarms to one topic: the second is left out, and said', async () => {
  const flags = { topic: ['alarm=alarms/{device_id}'] };
  const got = await run([alarm('soc<20', 'raised'), alarm('soc>90', 'raised')], temporaryFolder('ha'), flags);
  assert.deepEqual(topics(got), [config('a')]);
  assert.match(got.log.join('\n'), /one is left out.*soc>90/);
});

test('--remove finds a device in whatever case it is spelled, and says what it does not know', async () => {
  const dataDir = temporaryFolder('ha');
  await run([reading('AA:BB:CC:DD:EE:FF'), reading('Bank')], dataDir);
  const got = await run([], dataDir, { remove: true }, { args: ['aa:bb:cc:dd:ee:ff', 'AA:BB:CC:DD:EE:FF', 'bank'] });
  assert.deepEqual(topics(got), [config('AABBCCDDEEFF'), config('Bank')]);
  assert.match(got.log.join('\n'), /2 devices taken out/);
  assert.deepEqual(topics(await run([], dataDir, { remove: true })), []);
  const stranger = await run([], dataDir, { remove: true }, { args: ['aa:bb:cc:dd:ee:01'] });
  assert.deepEqual(topics(stranger), [config('AABBCCDDEE01')]);
  assert.match(stranger.log.join('\n'), /not known here.*aa:bb:cc:dd:ee:01/);
  assert.match(stranger.log.join('\n'), /0 devices taken out/);
});

test('--announce with nothing left that is wanted takes the device out', async () => {
  const dataDir = temporaryFolder('ha');
  await run([reading('a')], dataDir);
  const got = await run([reading('a')], dataDir, { announce: true, omit: ['voltage'] });
  assert.deepEqual([topics(got), got.records[0]!['payload']], [[config('a')], '']);
});

test('the topics that it tells are those that mqtt-pub publishes to, with the same options', async () => {
  const types: VoltRecord[] = [
    reading('a:b'),
    { type: 'device_status', time, device_id: 'a:b', status: 'connected' },
    { type: 'vehicle_telemetry', time, vin: 'WBY1', utc: 1, soc: 60 },
    { type: 'vehicle_summary', time, vehicle_id: 'v 1', device_count: 1 },
    { type: 'wallbox_state', time, charge_point: 'DE*1', online: true, power: 1 },
    { type: 'alarm', time, device_id: 'a:b', alarm: 'voltage<12.2', state: 'raised' },
    { type: 'battery_stats', time, device_id: 'a:b', count: 1, since: time, charge_cycles: 1 },
  ];
  for (const flags of [
    {},
    { prefix: 'battery_hawk', instance: 'garage' },
    { topic: ['battery_reading=x/{device_id}'] },
  ]) {
    const got = await runCommand(
      [
        { command: haDiscovery, flags },
        { command: mqttPub, flags: { ...flags, dryRun: true } },
      ],
      { input: types },
    );
    const published = new Set(got.records.map(({ topic }) => topic));
    const told = got.records
      .filter(({ topic }) => String(topic).endsWith('/config'))
      .flatMap(({ payload }) =>
        Object.values((payload as { components: Record<string, { state_topic: string }> }).components),
      );
    assert.ok(told.length >= 7);
    for (const { state_topic: topic } of told) assert.ok(published.has(topic), topic);
  }
});

const car = (rest: object): VoltRecord => ({ type: 'vehicle_telemetry', time, vin: 'WBY1', utc: 1, soc: 60, ...rest });
const place = 'voltpipe/vehicle_telemetry/WBY1/location';

test('the last position of a vehicle is retained in a topic of its own: a parked car, whose records have none any longer, stays where it is', async () => {
  const parked = '2026-03-01T14:00:00.000Z';
  const dataDir = temporaryFolder('ha');
  const got = await run(
    [
      car({ lat: 48, lon: 11 }),
      car({ lat: 48, lon: 11 }),
      car({ lat: 48, lon: 12, time: parked }),
      car({}),
      car({ lat: 1 }),
    ],
    dataDir,
  );
  const messages = got.records.filter(({ type }) => type === 'mqtt_message');
  const { components } = messages[0]!['payload'] as { components: Record<string, Record<string, unknown>> };
  assert.equal(components['location']!['json_attributes_topic'], place);
  assert.deepEqual(
    messages.slice(1).map(({ topic, retain, payload }) => [topic, retain, payload]),
    [
      [place, true, { latitude: 48, longitude: 11, time }],
      [place, true, { latitude: 48, longitude: 12, time: parked }],
    ],
  );
  const removed = await run([], dataDir, { remove: true });
  assert.deepEqual(topics(removed), [config('WBY1'), 'voltpipe/vehicle_telemetry/WBY1', place]);
});

test('--omit lat: no position is told', async () => {
  const got = await run([car({ lat: 48, lon: 11 })], temporaryFolder('ha'), { omit: ['lat'] });
  assert.deepEqual(topics(got), [config('WBY1')]);
});

test('a record without an identity, or without a topic, asks for nothing and passes', async () => {
  const input = [
    { type: 'battery_reading', time, voltage: 1 },
    { type: 'wallbox_state', time, online: true },
    { type: 'constructor', time, device_id: 'x', voltage: 1 },
  ];
  const got = await run(input, temporaryFolder('ha'));
  assert.deepEqual(got.records, input);
});
