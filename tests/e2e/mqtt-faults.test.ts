import assert from 'node:assert/strict';
import { test } from 'node:test';
import { command as mqttPub } from '../../src/commands/mqtt-pub.ts';
import type { VoltRecord } from '../../src/records/record.ts';
import { runCommand } from '../support/command.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { acknowledged, eventually, listen } from '../support/mqtt.ts';
import { cleanEnvironment, temporaryFolder } from '../support/shell.ts';
import { tcpLine } from '../support/tcp-line.ts';

const reading = (n: number, more: object = {}): VoltRecord => ({
  type: 'battery_reading',
  time: '2026-03-01T12:00:00.000Z',
  device_id: 'bank',
  voltage: 12.7,
  n,
  ...more,
});
const url = (port: number): string => `mqtt://127.0.0.1:${port}`;
const statusTopic = 'voltpipe/system/status';
const statusOf = ({ payload }: { payload: string }): string => JSON.parse(payload).status as string;

for (const version of ['4', '5']) {
  test(`MQTT ${version === '4' ? '3.1.1' : '5'}: after a half-open connection the old last will comes before the new online, not 45 s behind it`, async (t) => {
    const broker = await startMosquitto(t);
    if (!broker) return;
    const line = await tcpLine(t, broker.port);
    const listener = await listen(t, broker.port, [statusTopic]);
    const pub = acknowledged(
      t,
      ['mqtt-pub', '--url', url(line.port), '--stall', '1s', '--mqtt-version', version],
      cleanEnvironment(temporaryFolder('home')),
    );
    const write = (n: number): void => pub.write(`${JSON.stringify(reading(n))}\n`);
    write(1);
    await eventually(() => pub.counts.includes(1));
    line.freeze();
    write(2);
    await eventually(() => pub.counts.at(-1) === 2, 'the next connection');
    const said = (): string => listener.seen.map(statusOf).join(' ');
    await eventually(() => / online$/.test(said()), 'online again');
    // On a slow machine a connection more may have been given up.
    assert.match(said(), /^online( offline online)+$/);
    const later = await listen(t, broker.port, [statusTopic]);
    assert.equal(statusOf(await later.find(({ retain }) => retain)), 'online');
  });
}

test('when somebody else says offline for us, as the will of a connection from before a power cut does, we say online again', async (t) => {
  const broker = await startMosquitto(t);
  if (!broker) return;
  const listener = await listen(t, broker.port, [statusTopic]);
  const pub = acknowledged(t, ['mqtt-pub', '--url', url(broker.port)], cleanEnvironment(temporaryFolder('home')));
  pub.write(`${JSON.stringify(reading(1))}\n`);
  await eventually(() => pub.counts.includes(1));
  const online = (message: { payload: string }): boolean => statusOf(message) === 'online';
  // It listens a moment after its first word.
  const saying = setInterval(
    () => listener.connection.publish(statusTopic, '{"status":"offline"}', { qos: 1, retain: true }),
    50,
  );
  await listener.count(online, 2).finally(() => clearInterval(saying));
  await eventually(() => online(listener.seen.at(-1)!), 'the last word');
  pub.end();
  assert.equal(await pub.ended, 0);
  await eventually(() => !online(listener.seen.at(-1)!), 'its own goodbye');
  const later = await listen(t, broker.port, [statusTopic]);
  assert.equal(statusOf(await later.find(({ retain }) => retain)), 'offline', 'its own goodbye stands');
});

test('a proxy that closes the first connection does not cost MQTT 5: a refused message is told', async (t) => {
  const broker = await startMosquitto(t, { acl: 'topic readwrite voltpipe/#\ntopic read #\n' });
  if (!broker) return;
  const line = await tcpLine(t, broker.port, (connection) => connection === 1);
  const input = [reading(1), { type: 'mqtt_message', topic: 'forbidden', payload: 'x' }];
  const got = await runCommand(mqttPub, { input, flags: { url: url(line.port) } });
  assert.deepEqual([got.status, got.delivered], [77, 2], got.log.join('\n'));
});

for (const qos of ['1', '2']) {
  test(`QoS ${qos}: a message beyond the broker's message_size_limit is refused by its name, and holds nothing up`, async (t) => {
    const broker = await startMosquitto(t, { settings: ['message_size_limit 1000'] });
    if (!broker) return;
    const line = await tcpLine(t, broker.port);
    const input = [reading(1), reading(2, { text: 'x'.repeat(2000) }), reading(3)];
    const got = await runCommand(mqttPub, { input, flags: { url: url(line.port), qos } });
    const log = got.log.join('\n');
    assert.deepEqual([got.status, got.delivered], [76, 3], log);
    assert.match(log, /refuses a message: packet too large \(code 149\)/);
    assert.equal(line.connections, 1);
  });
}

for (const [setting, warning] of [
  ['retain_available false', /keeps no retained messages/],
  ['max_qos 0', /knows QoS 0 alone/],
] as const) {
  test(`a broker with ${setting} refuses the last will as it is, and gets one that it takes`, async (t) => {
    const broker = await startMosquitto(t, { settings: [setting] });
    if (!broker) return;
    const listener = await listen(t, broker.port);
    const got = await runCommand(mqttPub, { input: [reading(1)], flags: { url: url(broker.port) } });
    assert.deepEqual([got.status, got.delivered], [0, 1], got.log.join('\n'));
    assert.match(got.log.join('\n'), warning);
    await listener.count(() => true, 3);
    assert.deepEqual(listener.seen.filter(({ topic }) => topic === statusTopic).map(statusOf), ['online', 'offline']);
  });
}
