import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect as tlsConnect } from 'node:tls';
import { connect, login, refresh, simulator, until } from './support.ts';

const soc = (value: number, timestamp = '2026-03-01T12:00:00.000Z') => ({
  'vehicle.drivetrain.batteryManagement.header': { timestamp, value, unit: '%' },
});

test('a client with the gcid and the id token gets the messages of its cars, at QoS 0 and not retained (BMW-65)', async (t) => {
  const { bmw } = await simulator(t);
  const { id_token, gcid } = await login(bmw);
  const [vin] = bmw.vins as [string];
  const { client, code, messages } = await connect(t, bmw, id_token);
  assert.equal(code, 0);
  const flags: unknown[] = [];
  client.on('message', (_topic, _payload, packet) => flags.push([packet.qos, packet.retain]));
  await client.subscribeAsync(`${gcid}/${vin}`, { qos: 1 });
  const message = await bmw.publish(vin, soc(61));
  await until(() => messages.length === 1);
  assert.deepEqual(messages, [{ topic: `${gcid}/${vin}`, payload: JSON.stringify(message) }]);
  assert.deepEqual(flags, [[0, false]]);
  assert.deepEqual(Object.keys(message), ['vin', 'entityId', 'topic', 'timestamp', 'data']);
});

test('{gcid}/+ brings all cars of the account', async (t) => {
  const { bmw } = await simulator(t, { cars: [{ vin: 'WBYVP000000000001' }, { vin: 'WBYVP000000000002' }] });
  const { id_token, gcid } = await login(bmw);
  const { client, messages } = await connect(t, bmw, id_token);
  await client.subscribeAsync(`${gcid}/+`);
  for (const vin of bmw.vins) await bmw.publish(vin, soc(50));
  await until(() => messages.length === 2);
  assert.deepEqual(
    messages.map(({ topic }) => topic),
    bmw.vins.map((vin) => `${gcid}/${vin}`),
  );
});

test('nothing is kept for a client that is not there, and what was sent is counted', async (t) => {
  const { bmw } = await simulator(t);
  const { id_token, gcid } = await login(bmw);
  const [vin] = bmw.vins as [string];
  await bmw.publish(vin, soc(60));
  const { client, messages } = await connect(t, bmw, id_token);
  await bmw.publish(vin, soc(61));
  await client.subscribeAsync(`${gcid}/+`);
  await bmw.publish(vin, soc(62));
  await until(() => messages.length === 1);
  assert.match(messages[0]?.payload ?? '', /"value":62/);
  assert.deepEqual(
    bmw.broker.sent.map(({ sequence, connection, payload }) => [sequence, connection, JSON.parse(payload).data]),
    [[1, 1, soc(62)]],
  );
});

test('a wrong password or user is refused with 4, and so is an access token', async (t) => {
  const { bmw } = await simulator(t);
  const { id_token, access_token } = await login(bmw);
  assert.equal((await connect(t, bmw, 'nonsense')).code, 4);
  assert.equal((await connect(t, bmw, access_token)).code, 4);
  assert.equal((await connect(t, bmw, id_token, { username: 'someone' })).code, 4);
  assert.equal((await connect(t, bmw, id_token)).code, 0);
});

test('an id token that has run out is refused with 4, and a renewed one is taken', async (t) => {
  const { bmw, clock } = await simulator(t);
  const tokens = await login(bmw);
  await clock.advance(3_600_000);
  assert.equal((await connect(t, bmw, tokens.id_token)).code, 4);
  const renewed = await refresh(bmw, tokens.refresh_token);
  assert.equal((await connect(t, bmw, renewed.body.id_token)).code, 0);
});

test('the connection is closed when the id token runs out', async (t) => {
  const { bmw, clock } = await simulator(t, { broker: { idle: 1e9 } });
  const { id_token } = await login(bmw);
  const { closed } = await connect(t, bmw, id_token);
  await clock.advance(3_599_000);
  assert.equal(bmw.broker.connected, true);
  await clock.advance(1000);
  await closed;
  await until(() => !bmw.broker.connected);
  assert.equal(bmw.events.at(-1)?.reason, 'the id token has run out');
});

test('a second client on the account is refused with 5 while the first one stays', async (t) => {
  const { bmw } = await simulator(t);
  const { id_token } = await login(bmw);
  const first = await connect(t, bmw, id_token, { clientId: 'first' });
  assert.equal((await connect(t, bmw, id_token, { clientId: 'second' })).code, 5);
  assert.equal(first.client.connected, true);
  assert.equal(bmw.broker.accepted, 1);
});

test('a second client takes the place of the first when the broker is told to evict', async (t) => {
  const { bmw } = await simulator(t, { broker: { secondClient: 'evict' } });
  const { id_token } = await login(bmw);
  const first = await connect(t, bmw, id_token, { clientId: 'first' });
  assert.equal((await connect(t, bmw, id_token, { clientId: 'second' })).code, 0);
  await first.closed;
  assert.equal(bmw.broker.connected, true);
});

test('the same client id takes over its own half-dead connection', async (t) => {
  const { bmw } = await simulator(t);
  const { id_token } = await login(bmw);
  const first = await connect(t, bmw, id_token, { clientId: 'me' });
  assert.equal((await connect(t, bmw, id_token, { clientId: 'me' })).code, 0);
  await first.closed;
});

test('a reconnect within ten seconds of a disconnect is refused with 5', async (t) => {
  const { bmw, clock } = await simulator(t);
  const { id_token } = await login(bmw);
  const { client } = await connect(t, bmw, id_token);
  await client.endAsync();
  await until(() => !bmw.broker.connected);
  await clock.advance(9000);
  assert.equal((await connect(t, bmw, id_token)).code, 5);
  await clock.advance(1000);
  assert.equal((await connect(t, bmw, id_token)).code, 0);
});

test('a bare VIN as topic is refused in the SUBACK, and the connection goes', async (t) => {
  const { bmw } = await simulator(t);
  const { id_token } = await login(bmw);
  const { client, closed } = await connect(t, bmw, id_token);
  let granted: number | undefined;
  client.on('packetreceive', (packet) => {
    if (packet.cmd === 'suback') granted = packet.granted[0] as number;
  });
  client.subscribe(bmw.vins[0] as string);
  await closed;
  assert.equal(granted, 0x80);
});

test('a client that is silent for a minute is closed, one that pings is not', async (t) => {
  const { bmw, clock } = await simulator(t);
  const { id_token } = await login(bmw);
  const { client, closed } = await connect(t, bmw, id_token);
  await clock.advance(59_000);
  const pong = new Promise((resolve) => client.once('packetreceive', resolve));
  client.sendPing();
  await pong;
  await clock.advance(59_000);
  assert.equal(bmw.broker.connected, true);
  await clock.advance(1000);
  await closed;
});

test('a keep-alive above thirty seconds ends after a minute, whatever the client sends', async (t) => {
  const { bmw, clock } = await simulator(t);
  const { id_token } = await login(bmw);
  const { client, closed } = await connect(t, bmw, id_token, { keepalive: 60 });
  await clock.advance(30_000);
  const pong = new Promise((resolve) => client.once('packetreceive', resolve));
  client.sendPing();
  await pong;
  await clock.advance(30_000);
  await closed;
});

test('TLS 1.2 is refused', async (t) => {
  const { bmw } = await simulator(t);
  const { port } = bmw.broker;
  const error = await new Promise<NodeJS.ErrnoException>((resolve) => {
    tlsConnect({ host: '127.0.0.1', port, ca: bmw.ca, maxVersion: 'TLSv1.2' }).once('error', resolve);
  });
  assert.match(error.message, /alert protocol version/);
});

test('an id token without dynamic scopes is refused with 5', async (t) => {
  const { bmw } = await simulator(t, { faults: [{ name: 'token-no-dynamic-scopes', times: 1 }] });
  const { id_token } = await login(bmw);
  assert.equal((await connect(t, bmw, id_token)).code, 5);
});

test('refusals, drops and cut messages happen on request, so many times', async (t) => {
  const { bmw, clock } = await simulator(t);
  const { id_token, gcid } = await login(bmw);
  const [vin] = bmw.vins as [string];
  bmw.faults.arm('broker-refuse-5', 2);
  assert.equal((await connect(t, bmw, id_token)).code, 5);
  assert.equal((await connect(t, bmw, id_token)).code, 5);
  bmw.faults.arm('broker-refuse-4');
  assert.equal((await connect(t, bmw, id_token)).code, 4);
  bmw.faults.arm('broker-drop-on-connect');
  await (await connect(t, bmw, id_token)).closed;
  await clock.advance(10_000);
  const { client, messages, closed } = await connect(t, bmw, id_token);
  await client.subscribeAsync(`${gcid}/+`);
  bmw.faults.arm('broker-malformed');
  await bmw.publish(vin, soc(60));
  await bmw.publish(vin, soc(61));
  await until(() => messages.length === 2);
  assert.throws(() => JSON.parse(messages[0]?.payload ?? ''));
  assert.equal(JSON.parse(messages[1]?.payload ?? '').vin, vin);
  bmw.broker.drop();
  await closed;
  assert.deepEqual(bmw.faults.armed, {});
});

test('a frozen broker answers nothing, and goes on when it wakes up', async (t) => {
  const { bmw } = await simulator(t);
  const { id_token, gcid } = await login(bmw);
  const { client, messages } = await connect(t, bmw, id_token);
  await client.subscribeAsync(`${gcid}/+`);
  bmw.broker.freeze(true);
  let answers = 0;
  client.on('packetreceive', () => answers++);
  client.sendPing();
  await bmw.publish(bmw.vins[0] as string, soc(60));
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(answers, 0);
  bmw.broker.freeze(false);
  await until(() => answers === 1);
  await bmw.publish(bmw.vins[0] as string, soc(61));
  await until(() => messages.length === 1);
});

test('a broker that is down refuses connections and is back on the same port', async (t) => {
  const { bmw, clock } = await simulator(t);
  const { id_token } = await login(bmw);
  const first = await connect(t, bmw, id_token);
  await bmw.broker.down();
  await first.closed;
  assert.equal((await connect(t, bmw, id_token)).code, 'ECONNREFUSED' as unknown as number);
  await clock.advance(3_000_000);
  await bmw.broker.up();
  assert.equal((await connect(t, bmw, id_token)).code, 0);
});

test('a client of MQTT 5 is served alike, with the codes of MQTT 5', async (t) => {
  const { bmw, clock } = await simulator(t);
  const { id_token, gcid } = await login(bmw);
  const five = { protocolVersion: 5 } as const;
  assert.equal((await connect(t, bmw, 'nonsense', five)).code, 134);
  bmw.faults.arm('broker-refuse-5');
  assert.equal((await connect(t, bmw, id_token, five)).code, 135);
  const first = await connect(t, bmw, id_token, { ...five, properties: { sessionExpiryInterval: 0 } });
  assert.equal(first.code, 0);
  const [granted] = await first.client.subscribeAsync({ [`${gcid}/+`]: { qos: 0, nl: true } });
  assert.equal(granted?.qos, 0);
  const message = await bmw.publish(bmw.vins[0] as string, soc(61));
  await until(() => first.messages.length === 1);
  assert.deepEqual(JSON.parse(first.messages[0]?.payload ?? ''), message);
  await first.client.unsubscribeAsync(`${gcid}/+`);
  first.client.sendPing();
  bmw.broker.drop();
  await first.closed;

  await clock.advance(10_000);
  const second = await connect(t, bmw, id_token, five);
  let refusal: unknown;
  second.client.on('packetreceive', (packet) => {
    if (packet.cmd === 'suback') refusal = packet.granted[0];
  });
  second.client.subscribe(bmw.vins[0] as string);
  await second.closed;
  assert.equal(refusal, 0x87);
});

test('what is no MQTT at all is cut off and harms nobody', async (t) => {
  const { bmw } = await simulator(t);
  const { id_token } = await login(bmw);
  for (const bytes of [
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.from([0x10, 7, 0, 4, 77, 81, 84, 84, 5, 255, 255, 255]),
  ]) {
    await new Promise<void>((resolve) => {
      const socket = tlsConnect({ host: '127.0.0.1', port: bmw.broker.port, ca: bmw.ca }, () => socket.end(bytes));
      socket.on('error', () => {});
      socket.once('close', () => resolve());
    });
  }
  assert.equal((await connect(t, bmw, id_token)).code, 0);
});
