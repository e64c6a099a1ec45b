import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { command as bmwStream } from '../../src/commands/bmw-stream.ts';
import type { VoltRecord } from '../../src/records/record.ts';
import { timestamp } from '../../src/runtime/clock.ts';
import type { CommandError } from '../../src/runtime/exit.ts';
import { serverCertificate } from '../../src/simulators/certificates.ts';
import { connectMqtt } from '../../src/transports/mqtt/client.ts';
import { jwt, tokenSet } from '../clients/bmw/support.ts';
import { fakeClock } from '../support/clock.ts';
import { type RunOptions, runCommand } from '../support/command.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { temporaryFolder } from '../support/shell.ts';
import { chargingStatus, during, header, login, type Started, started, until, vin } from './bmw.ts';

/** bmw-stream beside the test; it ends with `end`, or with the test. */
function streaming(
  t: TestContext,
  from: Pick<Started, 'env' | 'dataDir' | 'clock'>,
  options: Partial<RunOptions> = {},
) {
  const stop = new AbortController();
  const records: VoltRecord[] = [];
  const { clock, ...rest } = from;
  const running = runCommand(bmwStream, {
    ...rest,
    ...(clock && { clock }),
    ...options,
    signal: stop.signal,
    onItem: (item) => void records.push(item as VoltRecord),
  });
  const end = () => {
    stop.abort();
    return running;
  };
  t.after(end);
  return { records, running, end };
}

const real = async (condition: () => boolean): Promise<void> => {
  for (let i = 0; !condition(); i++) {
    if (i > 2000) throw new Error('it never came to that');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

const soc = (value: number, at = '2026-03-01T12:00:00Z') => ({ [header]: { timestamp: at, value, unit: '%' } });

test('streams state of charge and charging status of the vehicle over TLS 1.3 (BMW-04, BMW-24, BMW-25, BMW-65)', async (t) => {
  const from = await started(t);
  await login(from);
  const { records, end } = streaming(t, from);
  await real(() => from.bmw.broker.subscriptions.length > 0);
  assert.deepEqual(from.bmw.broker.subscriptions, [`${from.bmw.gcid}/${vin}`]);
  const data = { ...soc(61), [chargingStatus]: { timestamp: '2026-03-01T12:00:01Z', value: 'CHARGINGACTIVE' } };
  await from.bmw.publish(vin, data);
  await real(() => records.length > 0);
  const [record] = records;
  assert.equal(record?.type, 'bmw_telematics');
  assert.equal(record?.time, '2026-03-01T12:00:01.000Z');
  assert.equal(record?.['vin'], vin);
  assert.equal(record?.['via'], 'stream');
  assert.deepEqual(record?.['data'], data);
  assert.ok(!('topic' in record!) && !JSON.stringify(record).includes(from.bmw.gcid), 'the account stays out');
  const { status, log } = await end();
  assert.equal(status, 0);
  assert.ok(!log.join('\n').includes(vin), 'no VIN in the log (BMW-48)');
});

test('--all subscribes to every vehicle, several --vin to each (BMW-03, BMW-70, C-8)', async (t) => {
  const second = 'WBYVP000000000002';
  const from = await started(t, { cars: [{ vin }, { vin: second }], broker: { reconnectPause: 0 } });
  await login(from);
  const all = streaming(t, from, { flags: { all: true } });
  await real(() => from.bmw.broker.subscriptions.length > 0);
  assert.deepEqual(from.bmw.broker.subscriptions, [`${from.bmw.gcid}/+`]);
  await from.bmw.publish(second, soc(50));
  await real(() => all.records.length > 0);
  assert.equal(all.records[0]?.['vin'], second);
  await all.end();

  streaming(t, from, { flags: { vin: [vin, second] } });
  await real(() => from.bmw.broker.subscriptions.length === 2);
});

test('a token rotation loses no record that the broker sent, and writes none twice (BMW-23, BMW-47, BMW-78)', async (t) => {
  const clock = fakeClock();
  const minute = 60_000;
  const from = await started(t, {
    clock,
    lifetimes: { access: 2 * minute, id: 2 * minute },
    broker: { idle: Number.POSITIVE_INFINITY },
  });
  await during(clock, login(from), 20);
  const { records, end } = streaming(t, { ...from, clock });
  const { broker } = from.bmw;
  let n = 0;
  let publishing = Promise.resolve<unknown>(undefined);
  await until(clock, () => {
    publishing = publishing.then(() => from.bmw.publish(vin, soc(n++ % 100, timestamp(clock.now()))));
    return broker.accepted >= 5;
  });
  await publishing;
  await until(clock, () => records.length >= broker.sent.length);
  const connections = new Set(broker.sent.map(({ connection }) => connection));
  assert.ok(connections.size >= 4, `${connections.size} connections had messages`);
  assert.deepEqual(
    records.map(({ data }) => data),
    broker.sent.map(({ payload }) => JSON.parse(payload).data),
  );
  assert.equal(
    from.bmw.events.filter(({ event }) => event === 'stream_refused').length,
    0,
    'never faster than BMW allows',
  );
  const { log } = await during(clock, end());
  assert.ok(!log.some((line) => line.includes('warning')), log.join('\n'));
});

test('a second bmw-stream of the account does not start, in a unit or by hand: 75, and it says why', async (t) => {
  const from = await started(t);
  await login(from);
  streaming(t, from, { runtimeDir: temporaryFolder('run') });
  await real(() => from.bmw.broker.connected);
  const elsewhere = { env: from.env, dataDir: from.dataDir, runtimeDir: temporaryFolder('run') };
  const { status, error } = await runCommand(bmwStream, elsewhere);
  assert.equal(status, 75);
  assert.match(`${error?.message}. ${(error as CommandError).next}`, /another bmw-stream runs.*one connection/);
});

test('another client on the account: the tokens are renewed once, then it says who may hold the stream', async (t) => {
  const clock = fakeClock();
  const from = await started(t, { clock, broker: { idle: Number.POSITIVE_INFINITY } });
  await during(clock, login(from), 20);
  from.bmw.faults.arm('broker-refuse-5', Number.POSITIVE_INFINITY);
  const { records, end } = streaming(t, { ...from, clock });
  const refusals = () => from.bmw.events.filter(({ event }) => event === 'stream_refused').length;
  await until(clock, () => refusals() >= 4);
  from.bmw.faults.clear();
  await until(clock, () => from.bmw.broker.subscriptions.length > 0, 5000);
  await from.bmw.publish(vin, soc(60));
  await until(clock, () => records.length > 0, 0);
  const { log } = await during(clock, end());
  assert.equal(log.filter((line) => line.includes('another client may hold the stream')).length, 1, log.join('\n'));
  assert.equal(log.filter((line) => line.includes('stream is back')).length, 1);
});

test('malformed messages are skipped: said once, counted, never the end (BMW-27)', async (t) => {
  const from = await started(t);
  await login(from);
  const { records, end } = streaming(t, from);
  await real(() => from.bmw.broker.subscriptions.length > 0);
  from.bmw.faults.arm('broker-malformed', 3);
  for (let i = 0; i < 4; i++) await from.bmw.publish(vin, soc(40 + i));
  await real(() => records.length > 0);
  const { log, status } = await end();
  assert.equal(status, 0);
  assert.equal(log.filter((line) => /warning: message skipped/.test(line)).length, 1);
  assert.equal(records.length, 1);
});

test('a dead refresh token ends the stream with 77 (BMW-22)', async (t) => {
  const clock = fakeClock();
  const from = await started(t, { clock });
  await during(clock, login(from), 20);
  await clock.advance(2 * 3_600_000);
  from.bmw.faults.arm('refresh-dead', 9);
  const { running } = streaming(t, { ...from, clock });
  const { status, error } = await during(clock, running);
  assert.equal(status, 77);
  assert.match((error as CommandError).next ?? '', /Run bmw-login/);
});

test('a login without the stream ends at once with 77 and the way out (BMW-71)', async (t) => {
  const from = await started(t, { faults: [{ name: 'token-no-dynamic-scopes', times: 1 }] });
  await login(from);
  const { status, error } = await streaming(t, from).running;
  assert.equal(status, 77);
  assert.match((error as CommandError).next ?? '', /Delete the client/);
});

test('no login, no vehicle, no VIN: each is told before anything connects (BMW-56)', async () => {
  const none = await runCommand(bmwStream, { flags: { vin: [vin] } });
  assert.equal(none.status, 77);
  assert.match((none.error as CommandError).next ?? '', /Run bmw-login/);
  assert.equal((await runCommand(bmwStream)).status, 78);
  assert.equal((await runCommand(bmwStream, { flags: { vin: ['WBY'] } })).status, 78);
});

test('--seen lists what ever came, longest ago first (BMW-13)', async (t) => {
  const from = await started(t);
  await login(from);
  const { records, end } = streaming(t, from);
  await real(() => from.bmw.broker.subscriptions.length > 0);
  await from.bmw.publish(vin, { [chargingStatus]: { timestamp: '2026-03-01T12:00:00Z', value: 'NOCHARGING' } });
  await real(() => records.length === 1);
  await from.bmw.publish(vin, soc(60));
  await real(() => records.length === 2);
  await end();
  const seen = await runCommand(bmwStream, { ...from, flags: { seen: true } } as never);
  assert.deepEqual(
    seen.records.map(({ type, vin: of, descriptor }) => [type, of, descriptor]),
    [
      ['bmw_descriptor', vin, chargingStatus],
      ['bmw_descriptor', vin, header],
    ],
  );
});

test('--seen names no vehicle where the messages named none', async () => {
  const dataDir = temporaryFolder('seen');
  writeFileSync(join(dataDir, 'bmw-seen.json'), `{"unknown":{"${header}":"2026-03-01T12:00:00.000Z"}}`);
  const { records } = await runCommand(bmwStream, { dataDir, flags: { seen: true } });
  assert.deepEqual(records, [{ type: 'bmw_descriptor', time: '2026-03-01T12:00:00.000Z', descriptor: header }]);
});

test('--count ends it after so many records', async (t) => {
  const from = await started(t);
  await login(from);
  const { running } = streaming(t, from, { flags: { all: true } });
  await real(() => from.bmw.broker.subscriptions.length > 0);
  await from.bmw.publish(vin, soc(60));
  assert.ok(await Promise.race([running.then(() => false), new Promise((resolve) => setTimeout(resolve, 100, true))]));
});

test('a mirror: any broker, a prefix, user and password, no login (BMW-03)', async (t) => {
  const mirror = await startMosquitto(t, { user: ['reader', 'mirror-secret'] });
  if (!mirror) return;
  const url = `mqtt://127.0.0.1:${mirror.port}`;
  const env = {
    VOLTPIPE_BMW_MIRROR_URL: url,
    VOLTPIPE_BMW_MIRROR_USER: 'reader',
    VOLTPIPE_BMW_MIRROR_PASSWORD: 'mirror-secret',
    VOLTPIPE_BMW_VIN: vin,
  };
  const { records, end } = streaming(t, { env, dataDir: temporaryFolder('data'), clock: undefined });
  const writer = await connectMqtt({ url, username: 'reader', password: 'mirror-secret' });
  const say = (topic: string, payload: unknown) => writer.publish(topic, JSON.stringify(payload), { qos: 1 });
  await real(() => {
    void say(`bmw/raw/${vin}/soc`, { vin, data: soc(70) });
    return records.length > 0;
  });
  await say('bmw/raw/WBYVP000000000009/soc', { vin: 'WBYVP000000000009', data: soc(10) });
  await say('bmw/status', { vin, data: soc(20) });
  await say('bmw/raw', { type: 'bmw_telematics', time: '2026-03-01T12:00:00.000Z', vin, via: 'stream', data: soc(71) });
  await real(() => records.some(({ data }) => JSON.stringify(data).includes('71')));
  await writer.end();
  const { log } = await end();
  assert.ok(records.every((record) => record['vin'] === vin && record['via'] === 'mirror'));
  assert.ok(!JSON.stringify(records).includes('"value":20'));
  assert.ok(!log.join('\n').includes('mirror-secret'));
});

test('a mirror that refuses user and password ends it with 77', async (t) => {
  const mirror = await startMosquitto(t, { user: ['reader', 'mirror-secret'] });
  if (!mirror) return;
  const clock = fakeClock();
  const env = { VOLTPIPE_BMW_MIRROR_URL: `mqtt://127.0.0.1:${mirror.port}`, VOLTPIPE_BMW_MIRROR_USER: 'reader' };
  const { running } = streaming(t, { env, dataDir: temporaryFolder('data'), clock });
  const { status, error } = await during(clock, running);
  assert.equal(status, 77);
  assert.match((error as CommandError).next ?? '', /bmw\.mirrorPassword/);
});

test('mqtt.tls false in the configuration takes HOST:PORT without TLS (BMW-58)', async (t) => {
  const tokens = { ...tokenSet(1, Date.now()), id_token: jwt({ exp: Math.floor(Date.now() / 1000) + 3600 }) };
  const broker = await startMosquitto(t, { user: [tokens.gcid!, tokens.id_token] });
  if (!broker) return;
  const dataDir = temporaryFolder('data');
  writeFileSync(join(dataDir, 'bmw-tokens.json'), JSON.stringify(tokens), { mode: 0o600 });
  const config = join(dataDir, 'config.yaml');
  writeFileSync(config, `bmw: { vin: ${vin} }\nmqtt: { brokerUrl: "localhost:${broker.port}", tls: false }\n`);
  const { records, end } = streaming(t, { env: {}, dataDir, clock: undefined }, { flags: { config } });
  const url = `mqtt://localhost:${broker.port}`;
  const writer = await connectMqtt({ url, username: tokens.gcid, password: tokens.id_token });
  await real(() => {
    void writer.publish(`${tokens.gcid}/${vin}`, JSON.stringify({ data: soc(33) }), { qos: 1 });
    return records.length > 0;
  });
  await writer.end();
  assert.equal((await end()).status, 0);
});

for (const mqttVersion of ['4', '5']) {
  test(`mosquitto with TLS 1.3 and a password file in the place of BMW's broker, MQTT level ${mqttVersion} (BMW-10, BMW-58)`, async (t) => {
    const now = Date.now();
    const { cert, key, ca } = await serverCertificate();
    // A password file takes no JWT of a kilobyte; the claims alone are as good.
    const tokens = { ...tokenSet(1, now), id_token: jwt({ exp: Math.floor(now / 1000) + 3600 }) };
    const broker = await startMosquitto(t, { tls: { cert, key }, user: [tokens.gcid!, tokens.id_token] });
    if (!broker) return;
    const dataDir = temporaryFolder('data');
    writeFileSync(join(dataDir, 'ca.pem'), ca);
    writeFileSync(join(dataDir, 'bmw-tokens.json'), JSON.stringify(tokens), { mode: 0o600 });
    const config = join(dataDir, 'config.yaml');
    writeFileSync(
      config,
      `bmw: { vin: ${vin}, ca: ${join(dataDir, 'ca.pem')} }\nmqtt: { brokerUrl: "localhost:${broker.port}", tls: true }\n`,
    );
    const { records, end } = streaming(t, { env: {}, dataDir, clock: undefined }, { flags: { config, mqttVersion } });
    const url = `mqtts://localhost:${broker.port}`;
    const writer = await connectMqtt({ url, ca, username: tokens.gcid, password: tokens.id_token });
    await real(() => {
      void writer.publish(`${tokens.gcid}/${vin}`, JSON.stringify({ data: soc(33) }), { qos: 1 });
      return records.length > 0;
    });
    assert.equal(records[0]?.['vin'], vin);
    await writer.end();
    assert.equal((await end()).status, 0);
  });
}
