import assert from 'node:assert/strict';
import { type AddressInfo, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { serverCertificate } from '../../src/simulators/certificates.ts';
import { connectMqtt, type MqttMessage } from '../../src/transports/mqtt/client.ts';
import { explainMqtt, MqttFailure, reasonOf } from '../../src/transports/mqtt/failure.ts';
import { startMosquitto } from '../support/mosquitto.ts';

/** The failure that a connection attempt ends with. */
async function failureOf(attempt: Promise<unknown>): Promise<MqttFailure> {
  try {
    await attempt;
  } catch (error) {
    assert.ok(error instanceof MqttFailure, String(error));
    return error;
  }
  throw new Error('it did not fail');
}

/** A server that is no broker: it does with each connection as told. */
async function notABroker(t: TestContext, talk: (socket: import('node:net').Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    talk(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const sockets = new Set<import('node:net').Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** CONNACK with a return code. */
const connack = (code: number): Buffer => Buffer.from([0x20, 2, 0, code]);

for (const version of [4, 5] as const) {
  test(`with MQTT ${version === 4 ? '3.1.1' : '5'}: connects, subscribes, receives in order, publishes, ends`, async (t) => {
    const broker = await startMosquitto(t);
    if (!broker) return;
    const got: MqttMessage[] = [];
    let enough = (): void => {};
    const all = new Promise<void>((resolve) => {
      enough = resolve;
    });
    const connection = await connectMqtt({
      url: `mqtt://127.0.0.1:${broker.port}`,
      version,
      onMessage(message) {
        got.push(message);
        if (got.length === 3) enough();
      },
    });
    assert.equal(connection.sessionPresent, false);
    assert.deepEqual(await connection.subscribe(['a/+', 'b'], 1), [
      { topic: 'a/+', code: 1 },
      { topic: 'b', code: 1 },
    ]);
    await connection.publish('a/1', 'one', { qos: 1 });
    await connection.publish('b', Buffer.from('two'), { qos: 0 });
    await connection.publish('a/2', 'three', { qos: 2, retain: true });
    await all;
    assert.deepEqual(
      got.map(({ topic, payload }) => [topic, payload.toString()]),
      [
        ['a/1', 'one'],
        ['b', 'two'],
        ['a/2', 'three'],
      ],
    );
    await connection.end();
    assert.equal(await connection.closed, undefined);
  });
}

test('the real broker over TLS 1.3 with user and password (BMW-10, BMW-24, BMW-58)', async (t) => {
  const { ca, cert, key } = await serverCertificate();
  const broker = await startMosquitto(t, { tls: { cert, key }, user: ['gcid', 'id-token'] });
  if (!broker) return;
  const url = `mqtts://localhost:${broker.port}`;
  const good = { url, ca, minVersion: 'TLSv1.3' as const, username: 'gcid', password: 'id-token' };
  const connection = await connectMqtt(good);
  assert.deepEqual(await connection.subscribe(['gcid/+']), [{ topic: 'gcid/+', code: 0 }]);
  await connection.end();

  const wrong = await failureOf(connectMqtt({ ...good, password: 'old' }));
  assert.deepEqual([wrong.kind, wrong.code], ['refused', 5]);
  const wrong5 = await failureOf(connectMqtt({ ...good, password: 'old', version: 5 }));
  assert.deepEqual([wrong5.kind, wrong5.code], ['refused', 135]);
  const stranger = await failureOf(connectMqtt({ ...good, ca: undefined }));
  assert.equal(stranger.kind, 'tls');
});

test('a broker that dies is told by closed, with the reason', async (t) => {
  const broker = await startMosquitto(t);
  if (!broker) return;
  const connection = await connectMqtt({ url: `mqtt://127.0.0.1:${broker.port}` });
  await broker.stop();
  const why = await connection.closed;
  assert.ok(why && ['closed', 'network'].includes(why.kind), String(why));
  // At once, and when mqtt.js has given its stores up, which makes it throw.
  for (let turn = 0; turn < 20; turn++) {
    assert.equal((await failureOf(connection.subscribe(['a']))).kind, why.kind);
    assert.equal((await failureOf(connection.unsubscribe(['a']))).kind, why.kind);
    assert.equal((await failureOf(connection.publish('a', 'b', { qos: 1 }))).kind, why.kind);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await connection.end();
});

test('every code of CONNACK 3.1.1 has its name', async (t) => {
  for (const code of [1, 2, 3, 4, 5]) {
    const url = await notABroker(t, (socket) => socket.once('data', () => socket.write(connack(code))));
    const failure = await failureOf(connectMqtt({ url }));
    assert.deepEqual([failure.kind, failure.code, failure.reason], ['refused', code, reasonOf(code)]);
  }
});

test('a refused topic is a grant with its code, not a silent success', async (t) => {
  const url = await notABroker(t, (socket) =>
    socket.on('data', (data) => {
      if (data[0] === 0x10) socket.write(connack(0));
      if (data[0] === 0x82) socket.write(Buffer.from([0x90, 4, data[2]!, data[3]!, 0, 0x80]));
    }),
  );
  const connection = await connectMqtt({ url });
  assert.deepEqual(await connection.subscribe(['good', 'bad']), [
    { topic: 'good', code: 0 },
    { topic: 'bad', code: 128 },
  ]);
  await connection.end();
});

test('DISCONNECT of MQTT 5 names its reason', async (t) => {
  const url = await notABroker(t, (socket) =>
    socket.once('data', () => {
      socket.write(Buffer.from([0x20, 3, 0, 0, 0]));
      socket.end(Buffer.from([0xe0, 1, 142]));
    }),
  );
  const why = await (await connectMqtt({ url, version: 5 })).closed;
  assert.deepEqual([why?.kind, why?.code, why?.reason], ['disconnected', 142, 'session taken over by another client']);
});

test('no broker, no answer, no name, no address, no MQTT: each is told apart', async (t) => {
  const silent = await notABroker(t, () => {});
  const chatty = await notABroker(t, (socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
  const closing = await notABroker(t, (socket) => socket.once('data', () => socket.end()));
  assert.equal((await failureOf(connectMqtt({ url: 'mqtt://127.0.0.1:1' }))).kind, 'network');
  assert.equal((await failureOf(connectMqtt({ url: silent, timeoutMs: 100 }))).kind, 'timeout');
  assert.equal((await failureOf(connectMqtt({ url: chatty }))).kind, 'protocol');
  assert.equal((await failureOf(connectMqtt({ url: closing }))).kind, 'closed');
  assert.equal((await failureOf(connectMqtt({ url: 'http://127.0.0.1:1883' }))).kind, 'url');
  assert.equal(explainMqtt(Object.assign(new Error(), { code: 'EAI_AGAIN' })).kind, 'offline');
  assert.equal(explainMqtt(Object.assign(new Error(), { code: 'ENOTFOUND' })).kind, 'offline');
});

test('a broker that never answers SUBSCRIBE is a time-out', async (t) => {
  const url = await notABroker(t, (socket) => socket.once('data', () => socket.write(connack(0))));
  const connection = await connectMqtt({ url, timeoutMs: 100 });
  assert.equal((await failureOf(connection.subscribe(['a']))).kind, 'timeout');
  await connection.end();
});

test('an attempt that is given up ends at once', async (t) => {
  const url = await notABroker(t, () => {});
  const stop = new AbortController();
  const attempt = failureOf(connectMqtt({ url, signal: stop.signal }));
  setImmediate(() => stop.abort());
  assert.equal((await attempt).kind, 'aborted');
  assert.equal((await failureOf(connectMqtt({ url, signal: stop.signal }))).kind, 'aborted');
});

test('a slow taker holds back the next message, and the acknowledgement of this one', async (t) => {
  const broker = await startMosquitto(t);
  if (!broker) return;
  const url = `mqtt://127.0.0.1:${broker.port}`;
  let inHand = 0;
  let most = 0;
  let taken = 0;
  const reader = await connectMqtt({
    url,
    async onMessage() {
      most = Math.max(most, ++inHand);
      await new Promise((resolve) => setImmediate(resolve));
      inHand--;
      taken++;
    },
  });
  await reader.subscribe(['t'], 1);
  const writer = await connectMqtt({ url });
  await Promise.all(Array.from({ length: 20 }, (_, i) => writer.publish('t', String(i), { qos: 1 })));
  while (taken < 20) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(most, 1);
  await Promise.all([reader.end(), writer.end()]);
});
