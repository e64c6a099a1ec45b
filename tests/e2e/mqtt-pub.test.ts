import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { command as mqttPub } from '../../src/commands/mqtt-pub.ts';
import type { VoltRecord } from '../../src/records/record.ts';
import { type RunOptions, runCommand } from '../support/command.ts';
import { freePort, startMosquitto } from '../support/mosquitto.ts';
import { acknowledged, eventually, listen, type Seen } from '../support/mqtt.ts';
import { openInput } from '../support/open-input.ts';
import { requireService, runService } from '../support/services.ts';
import { cleanEnvironment, temporaryFolder } from '../support/shell.ts';

const reading = (n: number, more: object = {}): VoltRecord => ({
  type: 'battery_reading',
  time: '2026-03-01T12:00:00.000Z',
  device_id: 'AA:BB:CC:DD:EE:FF',
  voltage: 12.7,
  n,
  ...more,
});
const readings = (from: number, to: number): VoltRecord[] =>
  Array.from({ length: to - from + 1 }, (_, i) => reading(from + i));
const topic = 'voltpipe/device/AA:BB:CC:DD:EE:FF/reading';
const isReading = (message: Seen): boolean => message.topic === topic;
const numbers = (messages: readonly Seen[]): number[] => messages.map(({ payload }) => JSON.parse(payload).n as number);
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);
const url = (port: number): string => `mqtt://127.0.0.1:${port}`;

/** mqtt-pub beside the test, with an input that the test fills. */
function publishing(t: TestContext, port: number, options: Partial<RunOptions> = {}) {
  const input = openInput();
  const stop = new AbortController();
  const { flags, ...rest } = options;
  const running = runCommand(mqttPub, {
    input,
    flags: { url: url(port), ...flags },
    signal: stop.signal,
    ...rest,
  });
  t.after(() => {
    input.end();
    return running;
  });
  const end = () => {
    input.end();
    return running;
  };
  return { input, end, running };
}

for (const version of ['4', '5'] as const) {
  test(`with MQTT ${version === '4' ? '3.1.1' : '5'}: 500 readings arrive in order, once each, with birth before and goodbye after (HAWK-87, HAWK-164)`, async (t) => {
    const broker = await startMosquitto(t);
    if (!broker) return;
    const listener = await listen(t, broker.port);
    const got = await runCommand(mqttPub, {
      input: readings(1, 500),
      flags: { url: url(broker.port), mqttVersion: version, receipts: true },
    });
    assert.deepEqual([got.status, got.delivered], [0, 500]);
    const seen = await listener.count(() => true, 502);
    assert.deepEqual(numbers(seen.filter(isReading)), upTo(500));
    assert.deepEqual(JSON.parse(seen.find(isReading)!.payload), reading(1));
    assert.ok(seen.filter(isReading).every(({ qos, retain }) => qos === 1 && !retain));
    const [birth, goodbye] = [seen[0]!, seen.at(-1)!];
    assert.deepEqual([birth.topic, goodbye.topic], ['voltpipe/system/status', 'voltpipe/system/status']);
    assert.deepEqual([JSON.parse(birth.payload).status, JSON.parse(goodbye.payload).status], ['online', 'offline']);
    const receipts = got.records.filter(({ type }) => type === 'receipt');
    assert.equal(
      receipts.reduce((sum, { count }) => sum + (count as number), 0),
      500,
    );
  });
}

test('the topics of Battery Hawk, with its QoS and retain flags (HAWK-14, HAWK-72, HAWK-87 to HAWK-91)', async (t) => {
  const broker = await startMosquitto(t);
  if (!broker) return;
  const time = '2026-03-01T12:00:00.000Z';
  const mac = 'AA:BB:CC:DD:EE:FF';
  const input: VoltRecord[] = [
    reading(1),
    { type: 'device_status', time, device_id: mac, status: 'connected' },
    { type: 'vehicle_summary', time, vehicle_id: 'vehicle_1', device_count: 2 },
    { type: 'system_status', time, uptime: 60, version: '1.0.0' },
    { type: 'ble_device', time, device_id: mac, rssi: -60 },
  ];
  const listener = await listen(t, broker.port);
  const got = await runCommand(mqttPub, { input, flags: { url: url(broker.port), prefix: 'battery_hawk' } });
  assert.equal(got.status, 0);
  const seen = await listener.count(() => true, 7);
  const system = seen.find(({ payload }) => payload.includes('uptime'))!;
  const others = seen.filter(({ topic: where }) => !where.endsWith('system/status'));
  assert.deepEqual(
    [...others, system].map(({ topic: where, qos }) => [where, qos]),
    [
      [`battery_hawk/device/${mac}/reading`, 1],
      [`battery_hawk/device/${mac}/status`, 1],
      ['battery_hawk/vehicle/vehicle_1/summary', 1],
      ['battery_hawk/discovery/found', 1],
      ['battery_hawk/system/status', 2],
    ],
  );
  assert.equal(JSON.parse(system.payload).status, 'online', 'a system_status does not make us look offline');
  const later = await listen(t, broker.port);
  const kept = await later.count(({ retain }) => retain, 3);
  assert.deepEqual(kept.map(({ topic: where }) => where).sort(), [
    `battery_hawk/device/${mac}/status`,
    'battery_hawk/system/status',
    'battery_hawk/vehicle/vehicle_1/summary',
  ]);
});

test('a broker that restarts in mid-stream costs nothing when somebody counts acknowledgements', async (t) => {
  const settings = ['max_queued_messages 0'];
  const first = await startMosquitto(t, { settings });
  if (!first) return;
  const { port } = first;
  const before = await listen(t, port, ['t/#']);
  const env = cleanEnvironment(temporaryFolder('home'));
  const pub = acknowledged(
    t,
    ['mqtt-pub', '--url', url(port), '--topic', 't/{n}', '--retain', 'all', '--no-status', '--buffer', '0'],
    env,
  );
  const line = (n: number): string => `${JSON.stringify(reading(n))}\n`;
  for (let n = 1; n <= 2000; n++) pub.write(line(n));
  await eventually(() => before.seen.length > 100);
  await first.stop();
  for (let n = 2001; n <= 4000; n++) pub.write(line(n));
  await eventually(() => pub.stderr().includes('trying again'));
  assert.ok(pub.counts.at(-1)! < 4000, 'what the broker has not got is not acknowledged');
  const second = await startMosquitto(t, { port, settings });
  if (!second) return;
  pub.end();
  assert.equal(await pub.ended, 0, pub.stderr());
  assert.equal(pub.counts.at(-1), 4000);
  // Each is retained in a topic of its own: whoever comes late still sees all.
  const after = await listen(t, port, ['t/#']);
  await after.count(() => true, 4000);
  assert.deepEqual(
    numbers(after.seen).sort((a, b) => a - b),
    upTo(4000),
  );
  const said = pub.stderr().split('\n');
  assert.equal(said.filter((text) => text.includes('trying again')).length, 1, 'the loss is said once');
  assert.match(pub.stderr(), /broker is back.*\d/, 'the recovery once, with the length of the outage');
});

test('when somebody counts acknowledgements, what comes while the broker is away waits with him: none is dropped, also without a buffer', async (t) => {
  const port = await freePort();
  if (!requireService(t, 'mosquitto')) return;
  const env = cleanEnvironment(temporaryFolder('home'));
  const pub = acknowledged(t, ['mqtt-pub', '--url', url(port), '--no-status', '--buffer', '0', '-v'], env);
  pub.write(
    readings(1, 200)
      .map((record) => `${JSON.stringify(record)}\n`)
      .join(''),
  );
  await eventually(() => pub.stderr().includes('trying again'));
  assert.equal(pub.counts.at(-1), 0);
  const broker = await startMosquitto(t, { port });
  if (!broker) return;
  // The broker has acknowledged each of them: nothing is counted before.
  await eventually(() => pub.counts.at(-1) === 200);
  pub.end();
  assert.equal(await pub.ended, 0, pub.stderr());
  assert.doesNotMatch(pub.stderr(), /dropped/);
});

test('without a reader of acknowledgements the last ten wait for the broker, in order, and the loss is said with its count (ESP-86 to ESP-89)', async (t) => {
  const port = await freePort();
  if (!requireService(t, 'mosquitto')) return;
  let dropped = 0;
  const { input, end } = publishing(t, port, {
    flags: { receipts: true },
    onItem: (item) => void ((item as VoltRecord)['status'] === 'dropped' && dropped++),
  });
  input.push(...readings(1, 25));
  await eventually(() => dropped === 15);
  const broker = await startMosquitto(t, { port });
  if (!broker) return;
  const listener = await listen(t, port);
  await listener.count(isReading, 10);
  input.push(reading(26));
  const got = await end();
  assert.equal(got.status, 69);
  const seen = await listener.count(isReading, 11);
  assert.deepEqual(
    numbers(seen),
    upTo(26).filter((n) => n > 15),
  );
  const log = got.log.join('\n');
  assert.equal(got.log.filter((line) => line.includes('buffer is full') && !line.includes('debug')).length, 1);
  assert.match(log, /15 messages were dropped/);
});

test('a device that was announced while the broker was away, many readings ago, is known when it comes', async (t) => {
  const port = await freePort();
  if (!requireService(t, 'mosquitto')) return;
  let dropped = 0;
  const { input, end } = publishing(t, port, {
    flags: { receipts: true },
    onItem: (item) => void ((item as VoltRecord)['status'] === 'dropped' && dropped++),
  });
  const topic = 'homeassistant/device/x/config';
  input.push({ type: 'mqtt_message', topic, payload: { a: 1 }, qos: 1, retain: true }, ...readings(1, 25));
  await eventually(() => dropped === 15);
  const broker = await startMosquitto(t, { port });
  if (!broker) return;
  const listener = await listen(t, port, ['#']);
  const found = await listener.find((message) => message.topic === topic);
  assert.equal(found.payload, '{"a":1}');
  await end();
});

test('the broker says offline when mqtt-pub is killed, and online is retained until then', async (t) => {
  const broker = await startMosquitto(t);
  if (!broker) return;
  const env = cleanEnvironment(temporaryFolder('home'));
  const pub = acknowledged(t, ['mqtt-pub', '--url', url(broker.port), '--instance', 'garage'], env);
  pub.write(`${JSON.stringify(reading(1))}\n`);
  await eventually(() => pub.counts.includes(1));
  const listener = await listen(t, broker.port, ['voltpipe/garage/status']);
  const birth = await listener.find(({ retain }) => retain);
  assert.equal(JSON.parse(birth.payload).status, 'online');
  pub.kill('SIGKILL');
  const will = await listener.find(({ payload }) => JSON.parse(payload).status === 'offline');
  assert.equal(will.topic, 'voltpipe/garage/status');
  const later = await listen(t, broker.port, ['voltpipe/garage/status']);
  assert.equal(JSON.parse((await later.find(({ retain }) => retain)).payload).status, 'offline');
});

test('when Home Assistant starts, everything retained is sent again, discovery before state', async (t) => {
  const broker = await startMosquitto(t);
  if (!broker) return;
  const { input, end } = publishing(t, broker.port);
  const config = {
    type: 'mqtt_message',
    topic: 'homeassistant/device/x/config',
    payload: { a: 1 },
    qos: 1,
    retain: true,
  };
  const status = { type: 'device_status', time: '2026-03-01T12:00:00.000Z', device_id: 'x', status: 'connected' };
  const listener = await listen(t, broker.port);
  input.push(config, status, reading(1));
  await listener.count(isReading, 1);
  await listener.connection.publish('homeassistant/status', 'online');
  await listener.count(({ topic: where }) => where === 'voltpipe/device/x/status', 2);
  const again = listener.seen.slice(listener.seen.findIndex(({ payload }) => payload === 'online') + 1);
  assert.deepEqual(
    again.map(({ topic: where }) => where),
    ['voltpipe/system/status', 'homeassistant/device/x/config', 'voltpipe/device/x/status'],
  );
  const got = await end();
  assert.equal(got.delivered, 3, 'what is said again counts for nobody');
});

test('a device that somebody deletes in Home Assistant stays deleted: its next start brings back the others alone', async (t) => {
  const broker = await startMosquitto(t);
  if (!broker) return;
  for (const mqttVersion of ['4', '5']) {
    const env = cleanEnvironment(temporaryFolder('home'));
    const pub = acknowledged(t, ['mqtt-pub', '--url', url(broker.port), '--mqtt-version', mqttVersion], env);
    const config = (id: string) => ({
      type: 'mqtt_message',
      topic: `homeassistant/device/${mqttVersion}${id}/config`,
      payload: { a: 1 },
      qos: 1,
      retain: true,
    });
    const listener = await listen(t, broker.port);
    const isConfig = ({ topic: where, payload }: Seen): boolean => where === config('y').topic && payload !== '';
    pub.write([config('x'), config('y')].map((record) => `${JSON.stringify(record)}\n`).join(''));
    await eventually(() => pub.counts.includes(2));
    // It is deleted until mqtt-pub has noticed; a moment after the first message it listens.
    const deleting = setInterval(
      () => listener.connection.publish(config('x').topic, '', { qos: 1, retain: true }),
      50,
    );
    await eventually(() => pub.stderr().includes('was emptied by somebody else')).finally(() =>
      clearInterval(deleting),
    );
    const before = listener.seen.length;
    await listener.connection.publish('homeassistant/status', 'online');
    await eventually(() => listener.seen.slice(before).some(isConfig), 'the other one is said again');
    pub.end();
    assert.equal(await pub.ended, 0);
    const again = listener.seen.slice(before).filter(({ topic: where }) => where === config('x').topic);
    assert.deepEqual(
      again.filter(({ payload }) => payload !== ''),
      [],
    );
  }
});

test('TLS with a client certificate; without one the broker lets nobody in', async (t) => {
  const openssl = requireService(t, 'openssl');
  if (!openssl) return;
  const folder = temporaryFolder('certificates');
  const at = (name: string): string => join(folder, name);
  const make = (...words: string[]) => runService(openssl, words, { cwd: folder });
  make(
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '30',
    '-subj',
    '/CN=ca',
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
  );
  for (const name of ['localhost', 'client']) {
    make(
      'req',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
    );
    writeFileSync(at(`${name}.ext`), name === 'localhost' ? 'subjectAltName=DNS:localhost\n' : '');
    make(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-days',
      '30',
      '-extfile',
      `${name}.ext`,
      '-out',
      `${name}.pem`,
    );
  }
  const text = (name: string): string => readFileSync(at(name), 'utf8');
  const broker = await startMosquitto(t, {
    tls: { cert: text('localhost.pem'), key: text('localhost.key'), clientCa: text('ca.pem') },
  });
  if (!broker) return;
  const flags = { url: `mqtts://localhost:${broker.port}`, ca: at('ca.pem') };
  const listener = await listen(t, broker.port, ['#'], {
    url: flags.url,
    ca: text('ca.pem'),
    cert: text('client.pem'),
    key: text('client.key'),
  });
  const good = { ...flags, cert: at('client.pem'), certKey: at('client.key') };
  const got = await runCommand(mqttPub, { input: [reading(1)], flags: good });
  assert.equal(got.status, 0);
  await listener.count(isReading, 1);
  const without = await runCommand(mqttPub, { input: [reading(2)], flags: { ...flags, patience: '2s' } });
  assert.equal(without.status, 69);
  assert.equal(without.delivered, 0);
});

test('a login that is refused ends the run with 77 and its remedy; the right one comes from files', async (t) => {
  const broker = await startMosquitto(t, { user: ['ha', 'secret'] });
  if (!broker) return;
  const folder = temporaryFolder('secrets');
  writeFileSync(join(folder, 'user'), 'ha\n');
  writeFileSync(join(folder, 'good'), 'secret\n');
  writeFileSync(join(folder, 'bad'), 'wrong\n');
  for (const mqttVersion of ['auto', '4']) {
    const flags = { url: url(broker.port), mqttVersion, username: join(folder, 'user') };
    const bad = await runCommand(mqttPub, { input: [reading(1)], flags: { ...flags, password: join(folder, 'bad') } });
    assert.equal(bad.status, 77);
    assert.match(bad.error!.message, /broker refuses the login/);
    const good = await runCommand(mqttPub, {
      input: [reading(1)],
      flags: { ...flags, password: join(folder, 'good') },
    });
    assert.equal(good.status, 0);
  }
});

test('a refused topic: MQTT 5 says so and the run ends with 77; 3.1.1 acknowledges and throws away', async (t) => {
  const broker = await startMosquitto(t, { acl: 'topic readwrite voltpipe/#\ntopic read #\n' });
  if (!broker) return;
  const input = [reading(1), { type: 'mqtt_message', topic: 'forbidden', payload: 'x' }, reading(2)];
  const five = await runCommand(mqttPub, { input, flags: { url: url(broker.port), receipts: true } });
  assert.deepEqual([five.status, five.delivered], [77, 3]);
  const refused = five.records.find(({ ok }) => ok === false);
  assert.deepEqual([refused?.status, refused?.message], ['135', 'forbidden: not authorised']);
  assert.match(five.log.join('\n'), /refuses a message: not authorised.*forbidden/);
  const four = await runCommand(mqttPub, { input, flags: { url: url(broker.port), mqttVersion: '4' } });
  assert.deepEqual([four.status, four.delivered], [0, 3]);
});

test('a broker whose rules allow nothing ends it with 77, and nothing counts as delivered', async (t) => {
  const broker = await startMosquitto(t, { acl: 'topic read #\n' });
  if (!broker) return;
  for (const count of [3, 150]) {
    const input = Array.from({ length: count }, (_, n) => reading(n));
    const denied = await runCommand(mqttPub, { input, flags: { url: url(broker.port) } });
    assert.deepEqual([denied.status, denied.delivered], [77, 0]);
  }
});

test('a message that is too large for the broker is refused, and those behind it arrive', async (t) => {
  const broker = await startMosquitto(t, { settings: ['max_packet_size 2000'] });
  if (!broker) return;
  const listener = await listen(t, broker.port);
  const input = [reading(1), reading(2, { text: 'x'.repeat(3000) }), reading(3)];
  const five = await runCommand(mqttPub, { input, flags: { url: url(broker.port) } });
  assert.deepEqual([five.status, five.delivered], [76, 3]);
  assert.match(five.log.join('\n'), /packet too large/);
  const seen = await listener.count(isReading, 2);
  assert.deepEqual(numbers(seen), [1, 3]);
});

test('a broker that speaks 3.1.1 alone is spoken to so', async (t) => {
  const { Aedes } = await import('aedes');
  const { createServer } = await import('node:net');
  const aedes = await Aedes.createBroker();
  const server = createServer(aedes.handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(async () => {
    await new Promise<void>((resolve) => aedes.close(resolve));
    server.close();
  });
  const { port } = server.address() as { port: number };
  const got = await runCommand(mqttPub, { input: readings(1, 5), flags: { url: url(port) } });
  assert.deepEqual([got.status, got.delivered], [0, 5], got.log.join('\n'));
});
