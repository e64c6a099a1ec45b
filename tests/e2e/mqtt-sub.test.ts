import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { command as mqttPub } from '../../src/commands/mqtt-pub.ts';
import { command as mqttSub } from '../../src/commands/mqtt-sub.ts';
import type { VoltRecord } from '../../src/records/record.ts';
import { connectMqtt } from '../../src/transports/mqtt/client.ts';
import { type RunOptions, runCommand } from '../support/command.ts';
import { made, quiet } from '../support/fixture-pipeline.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { eventually, listen } from '../support/mqtt.ts';
import { cleanEnvironment, shell, temporaryFolder } from '../support/shell.ts';

const url = (port: number): string => `mqtt://127.0.0.1:${port}`;
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

/** mqtt-sub beside the test. `ready` tells when the subscription stands. */
async function subscribed(
  t: TestContext,
  port: number,
  topics: readonly string[],
  flags: Record<string, unknown> = {},
  options: Partial<RunOptions> = {},
) {
  const stop = new AbortController();
  const records: VoltRecord[] = [];
  const running = runCommand(mqttSub, {
    args: topics,
    flags: { url: url(port), ...flags },
    signal: stop.signal,
    onItem: (item) => void records.push(item as VoltRecord),
    ...options,
  });
  const end = () => {
    stop.abort();
    return running;
  };
  t.after(end);
  // A probe of its own topic shows that the subscription stands.
  const probe = await connectMqtt({ url: url(port) });
  t.after(() => probe.end());
  return { records, running, end, probe };
}

/** Publishes until it comes back: from then on nothing is missed. */
async function standing(
  probe: Awaited<ReturnType<typeof connectMqtt>>,
  topic: string,
  payload: string,
  records: VoltRecord[],
) {
  while (records.length === 0) {
    await probe.publish(topic, payload, { qos: 1 });
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  let before = -1;
  while (before !== records.length) {
    before = records.length;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  records.length = 0;
}

for (const mqttVersion of ['4', '5']) {
  test(`with MQTT ${mqttVersion === '4' ? '3.1.1' : '5'} messages become records: objects, text, base64, QoS and retain`, async (t) => {
    const broker = await startMosquitto(t);
    if (!broker) return;
    const keeper = await connectMqtt({ url: url(broker.port) });
    await keeper.publish('home/kept', 'old', { qos: 1, retain: true });
    await keeper.end();
    const { records, probe, end } = await subscribed(t, broker.port, ['home/#'], { mqttVersion });
    await eventually(() => records.length === 1);
    assert.deepEqual(
      records.map(({ topic, payload, retain }) => [topic, payload, retain]),
      [['home/kept', 'old', true]],
    );
    await probe.publish('home/object', '{"a":1}', { qos: 1 });
    await probe.publish('home/text', '12.50', { qos: 0 });
    await probe.publish('home/bytes', Buffer.from([0xff, 0]), { qos: 1 });
    await eventually(() => records.length === 4);
    assert.deepEqual(
      records.slice(1).map(({ time: _time, ...rest }) => rest),
      [
        { type: 'mqtt_message', topic: 'home/object', payload: { a: 1 }, qos: 1, retain: false },
        { type: 'mqtt_message', topic: 'home/text', payload: '12.50', qos: 0, retain: false },
        { type: 'mqtt_message', topic: 'home/bytes', payload: '/wA=', encoding: 'base64', qos: 1, retain: false },
      ],
    );
    assert.equal((await end()).status, 0);
  });
}

test('a broker that refuses the login, or at first the topic, ends the run with 77 and the remedy', async (t) => {
  const guarded = await startMosquitto(t, { user: ['ha', 'secret'] });
  const strict = await startMosquitto(t, { subscribable: ['home/#'] });
  if (!guarded || !strict) return;
  const folder = temporaryFolder('secrets');
  const secret = (text: string): string => {
    writeFileSync(join(folder, text), `${text}\n`);
    return join(folder, text);
  };
  for (const mqttVersion of ['4', '5']) {
    const login = { mqttVersion, username: secret('ha'), password: secret('wrong') };
    const stranger = await runCommand(mqttSub, { args: ['home/#'], flags: { url: url(guarded.port), ...login } });
    assert.equal(stranger.status, 77);
    assert.match(stranger.error!.message, /broker refuses the login/);
    const flags = { url: url(strict.port), mqttVersion };
    const forbidden = await runCommand(mqttSub, { args: ['home/#', 'garage/#'], flags });
    assert.equal(forbidden.status, 77);
    assert.match(forbidden.error!.message, /subscription to garage\/# refused/);
    const allowed = await subscribed(t, strict.port, ['home/#'], { mqttVersion });
    await standing(allowed.probe, 'home/x', 'x', allowed.records);
    assert.equal((await allowed.end()).status, 0);
  }
});

test('--unwrap prints JSON objects as they are; garbage is skipped, counted and said once, what was retained is left out', async (t) => {
  const broker = await startMosquitto(t);
  if (!broker) return;
  const keeper = await connectMqtt({ url: url(broker.port) });
  await keeper.publish('set/a', '{"type":"command","command":"start","charge_point":"old"}', { qos: 1, retain: true });
  await keeper.publish('set/b', '\x00garbage', { qos: 1, retain: true });
  await keeper.end();
  const { records, probe, end } = await subscribed(t, broker.port, ['set/+'], { unwrap: true });
  await standing(probe, 'set/a', '{"type":"ready"}', records);
  for (const payload of [
    'not JSON',
    '12',
    '[]',
    '',
    '\xff',
    '{"type":"command","command":"stop","charge_point":"x"}',
  ]) {
    await probe.publish('set/a', Buffer.from(payload, 'latin1'), { qos: 1 });
  }
  await eventually(() => records.length === 1);
  assert.deepEqual(records, [{ type: 'command', command: 'stop', charge_point: 'x' }]);
  const { log, status } = await end();
  assert.equal(status, 0);
  assert.equal(log.filter((line) => line.includes('message skipped') && !line.includes('debug')).length, 1);
  assert.match(log.join('\n'), /5 messages were skipped/);
});

test('--once ends after one message, and that one is acknowledged', async (t) => {
  const broker = await startMosquitto(t);
  if (!broker) return;
  const flags = { once: true, clientId: 'one', session: '1h' };
  // The session begins; nothing has come yet.
  const first = await subscribed(t, broker.port, ['t'], flags);
  while (first.records.length === 0) {
    await first.probe.publish('t', 'first', { qos: 1 });
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  const got = await first.running;
  assert.equal(got.status, 0);
  assert.equal(got.records.length, 1);
  await first.probe.publish('t', 'second', { qos: 1 });
  const again = await runCommand(mqttSub, { args: ['t'], flags: { url: url(broker.port), ...flags } });
  assert.deepEqual(
    again.records.map(({ payload }) => payload),
    ['second'],
    'what came meanwhile, and not what was acknowledged',
  );
});

test('with a session, kill -9 in mid-stream loses nothing', async (t) => {
  const broker = await startMosquitto(t, { settings: ['max_queued_messages 0'] });
  if (!broker) return;
  const out = join(temporaryFolder('sub'), 'out');
  const env = cleanEnvironment(temporaryFolder('home'));
  const start = () => {
    const [program, ...words] = ['mqtt-sub', '--url', url(broker.port), '--client-id', 'kept', '--session', '1h'];
    const child = spawn(program!, [...words, '--unwrap', 't'], {
      env,
      stdio: ['ignore', openSync(out, 'a'), 'ignore'],
    });
    const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
    t.after(() => {
      child.kill('SIGKILL');
      return ended;
    });
    return { child, ended };
  };
  const lines = (): VoltRecord[] =>
    readFileSync(out, 'utf8')
      .split('\n')
      .flatMap((line) => {
        try {
          return [JSON.parse(line) as VoltRecord];
        } catch {
          return [];
        }
      });
  let sub = start();
  const probe = await connectMqtt({ url: url(broker.port) });
  t.after(() => probe.end());
  while (lines().length === 0) {
    await probe.publish('t', '{"type":"x","n":0}', { qos: 1 });
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const total = 3000;
  for (let round = 0; round < 3; round++) {
    const sent = upTo(total / 3).map((i) =>
      probe.publish('t', `{"type":"x","n":${round * (total / 3) + i}}`, { qos: 1 }),
    );
    await eventually(() => lines().some(({ n }) => (n as number) > round * (total / 3)));
    sub.child.kill('SIGKILL');
    await sub.ended;
    await Promise.all(sent);
    sub = start();
  }
  const seen = () => new Set(lines().map(({ n }) => n as number));
  await eventually(() => upTo(total).every((n) => seen().has(n)));
});

test('a message is acknowledged when the sink of the pipeline has it, not before', async (t) => {
  const broker = await startMosquitto(t);
  if (!broker) return;
  const stop = new AbortController();
  const seen: unknown[] = [];
  let deliver = (_n: number): void => {};
  const sink = made('sink', {
    run: quiet(async (ctx) => {
      deliver = ctx.delivered;
      for await (const record of ctx.input) seen.push(record['payload']);
    }),
  });
  const flags = { url: url(broker.port), clientId: 'held', session: '1h', mqttVersion: '5', queueSize: '5' };
  t.after(() => stop.abort());
  const running = runCommand([{ command: mqttSub, flags, args: ['t'] }, { command: sink }], { signal: stop.signal });
  const probe = await connectMqtt({ url: url(broker.port) });
  t.after(() => probe.end());
  while (seen.length === 0) {
    await probe.publish('t', 'probe', { qos: 1 });
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  deliver(seen.length);
  await probe.publish('t', 'last probe', { qos: 1 });
  await eventually(() => seen.includes('last probe'));
  const before = seen.length;
  deliver(1000);
  for (let n = 1; n <= 20; n++) await probe.publish('t', String(n), { qos: 1 });
  await eventually(() => seen.length === before + 5);
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal(seen.length, before + 5, 'the broker waits for acknowledgements');
  deliver(3);
  await eventually(() => seen.length > before + 5);
  // Whoever takes the session over gets what was never acknowledged.
  stop.abort();
  const left: string[] = [];
  const heir = await connectMqtt({
    url: flags.url,
    clientId: 'held',
    version: 5,
    clean: false,
    onMessage: ({ payload }) => void left.push(payload.toString()),
  });
  t.after(() => heir.end());
  await eventually(() => left.length >= 17);
  assert.deepEqual(
    left,
    upTo(20)
      .filter((n) => n > 3)
      .map(String),
  );
  await running;
});

test('two subscribers of a group divide the messages between them', async (t) => {
  const broker = await startMosquitto(t);
  if (!broker) return;
  const flags = { share: 'group', unwrap: true };
  const [a, b] = await Promise.all([
    subscribed(t, broker.port, ['t'], flags),
    subscribed(t, broker.port, ['t'], flags),
  ]);
  while (a.records.length === 0 || b.records.length === 0) {
    await a.probe.publish('t', '{"type":"x","n":0}', { qos: 1 });
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await Promise.all(upTo(100).map((n) => a.probe.publish('t', `{"type":"x","n":${n}}`, { qos: 1 })));
  const numbers = () => [...a.records, ...b.records].map(({ n }) => n as number).filter((n) => n > 0);
  await eventually(() => numbers().length >= 100);
  assert.deepEqual(
    numbers().sort((x, y) => x - y),
    upTo(100),
  );
  assert.ok(a.records.length > 1 && b.records.length > 1);
});

test('after a restart of the broker it is subscribed again; the outage is said once', async (t) => {
  const first = await startMosquitto(t);
  if (!first) return;
  const { port } = first;
  const { records, probe, end } = await subscribed(t, port, ['t'], { unwrap: true });
  await standing(probe, 't', '{"type":"ready"}', records);
  await first.stop();
  await startMosquitto(t, { port });
  const writer = await connectMqtt({ url: url(port) });
  t.after(() => writer.end());
  while (records.length === 0) {
    await writer.publish('t', '{"type":"again"}', { qos: 1 });
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { log, status } = await end();
  assert.equal(status, 0);
  const said = log.filter((line) => !line.includes('debug'));
  assert.equal(said.filter((line) => line.includes('trying again')).length, 1);
  assert.equal(said.filter((line) => line.includes('broker is back')).length, 1);
});

test('messages of one broker arrive at another as they were: topic, payload, QoS', async (t) => {
  const from = await startMosquitto(t);
  const to = await startMosquitto(t);
  if (!from || !to) return;
  const stop = new AbortController();
  const listener = await listen(t, to.port);
  const running = runCommand(
    [
      { command: mqttSub, flags: { url: url(from.port), qos: '2' }, args: ['#'] },
      { command: mqttPub, flags: { url: url(to.port), status: true } },
    ],
    { signal: stop.signal },
  );
  const probe = await connectMqtt({ url: url(from.port) });
  t.after(() => probe.end());
  while (listener.seen.length === 0) {
    await probe.publish('probe', 'x', { qos: 1 });
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const messages = [
    ['a/b', '{"x":1.5}', 0],
    ['ü', 'text', 1],
    ['c', '', 2],
    ['d', '00012', 1],
  ] as const;
  for (const [topic, payload, qos] of messages) await probe.publish(topic, payload, { qos });
  for (const [topic, payload, qos] of messages) {
    const seen = await listener.find((message) => message.topic === topic);
    assert.deepEqual([seen.payload, seen.qos], [payload, qos]);
  }
  stop.abort();
  await running;
});

test('QoS 2 could lose what is under way: with a session it is refused, and what was published with it arrives with QoS 1', async (t) => {
  const flags = { qos: '2', clientId: 'kept', session: '1h' };
  const got = await runCommand(mqttSub, { args: ['t'], flags, signal: AbortSignal.timeout(20_000) });
  assert.equal(got.status, 64);
  assert.match(got.error!.message, /--qos 2 with --session/);
  const broker = await startMosquitto(t);
  if (!broker) return;
  const { records, probe, end } = await subscribed(t, broker.port, ['t'], { clientId: 'kept', session: '1h' });
  await standing(probe, 't', 'probe', records);
  await probe.publish('t', 'twice', { qos: 2 });
  await eventually(() => records.length === 1);
  assert.deepEqual([records[0]!['payload'], records[0]!['qos']], ['twice', 1]);
  await end();
});

test('--count ends the command though more messages have come; the broker keeps those for the next one', async (t) => {
  const broker = await startMosquitto(t);
  if (!broker) return;
  const env = cleanEnvironment(temporaryFolder('count'));
  const line = `mqtt-sub --url ${url(broker.port)} --client-id counter --session 1h`;
  await shell(`${line} --timeout 2s 'home/#'`, { env });
  const probe = await connectMqtt({ url: url(broker.port) });
  for (const n of upTo(3)) await probe.publish('home/x', JSON.stringify({ type: 'x', n }), { qos: 1 });
  await probe.end();
  const first = await shell(`${line} --timeout 20s --unwrap --once 'home/#'`, { env });
  assert.deepEqual([first.status, first.stdout], [0, '{"type":"x","n":1}\n'], first.stderr);
  const rest = await shell(`${line} --timeout 20s --unwrap --count 2 'home/#'`, { env });
  assert.deepEqual([rest.status, rest.stdout], [0, '{"type":"x","n":2}\n{"type":"x","n":3}\n'], rest.stderr);
});
