import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { brokerUrl } from '../../src/clients/mqtt/options.ts';
import { command as mqttPub } from '../../src/commands/mqtt-pub.ts';
import type { VoltRecord } from '../../src/records/record.ts';
import { runCommand } from '../support/command.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { listen } from '../support/mqtt.ts';
import { temporaryFolder } from '../support/shell.ts';

const reading: VoltRecord = {
  type: 'battery_reading',
  time: '2026-03-01T12:00:00.000Z',
  device_id: 'AA:BB:CC:DD:EE:FF',
  voltage: 12.7,
};
const dry = (input: VoltRecord[], flags: Record<string, unknown> = {}, env: Record<string, string> = {}) =>
  runCommand(mqttPub, { input, flags: { dryRun: true, ...flags }, env });

test('broker, port and prefix come from the configuration or from the BATTERYHAWK names; enabled asks for nothing (HAWK-69 to HAWK-72, HAWK-135)', async (t) => {
  const broker = await startMosquitto(t);
  if (!broker) return;
  const listener = await listen(t, broker.port);
  const config = join(temporaryFolder('config'), 'config.yaml');
  writeFileSync(
    config,
    `mqtt: { enabled: false, broker: 127.0.0.1, port: ${broker.port}, topic_prefix: battery_hawk, status: false }\n`,
  );
  const byFile = await runCommand(mqttPub, { input: [reading], flags: { config } });
  const byName = await runCommand(mqttPub, {
    input: [reading],
    flags: { status: true }, // --no-status
    env: {
      BATTERYHAWK_MQTT_ENABLED: 'false',
      BATTERYHAWK_MQTT_BROKER: '127.0.0.1',
      BATTERYHAWK_MQTT_PORT: String(broker.port),
      BATTERYHAWK_MQTT_TOPIC_PREFIX: 'battery_hawk',
    },
  });
  assert.deepEqual([byFile.status, byName.status], [0, 0]);
  const seen = await listener.count(() => true, 2);
  assert.deepEqual(
    seen.map(({ topic }) => topic),
    ['battery_hawk/device/AA:BB:CC:DD:EE:FF/reading', 'battery_hawk/device/AA:BB:CC:DD:EE:FF/reading'],
  );
});

test('without any configuration the broker is localhost:1883; port 8883 means TLS (HAWK-70, HAWK-71)', () => {
  const { broker, brokerPort } = mqttPub.options;
  assert.equal(
    brokerUrl({ url: undefined, broker: broker.default, brokerPort: brokerPort.default }),
    'mqtt://localhost:1883',
  );
  assert.equal(brokerUrl({ url: undefined, broker: 'ha', brokerPort: 8883 }), 'mqtts://ha:8883');
  assert.equal(brokerUrl({ url: undefined, broker: 'fe80::1', brokerPort: 1883 }), 'mqtt://[fe80::1]:1883');
  assert.equal(brokerUrl({ url: 'ws://h/mqtt', broker: 'ha', brokerPort: 1 }), 'ws://h/mqtt');
});

test('a template for one type leaves the others as they are, one for all does not', async () => {
  const status = { type: 'device_status', time: reading.time!, device_id: 'x', status: 'connected' };
  const one = await dry([reading, status], { topic: ['battery_reading=home/{device_id}/{type}'] });
  assert.deepEqual(
    one.records.map(({ topic }) => topic),
    ['home/AA:BB:CC:DD:EE:FF/battery_reading', 'voltpipe/device/x/status'],
  );
  const all = await dry([reading, status], { topic: ['{instance}/{device_id}'], instance: 'garage' });
  assert.deepEqual(
    all.records.map(({ topic }) => topic),
    ['garage/AA:BB:CC:DD:EE:FF', 'garage/x'],
  );
});

test('QoS and retain of the user stand over those of the type; an mqtt_message keeps its own', async () => {
  const status = { type: 'device_status', time: reading.time!, device_id: 'x', status: 'connected' };
  const message = { type: 'mqtt_message', topic: 'a', payload: 'b', qos: 1, retain: false };
  const shown = async (flags: Record<string, unknown>) =>
    (await dry([reading, status, message], flags)).records.map(({ qos, retain }) => [qos, retain]);
  assert.deepEqual(await shown({ qos: '0' }), [
    [0, false],
    [0, true],
    [1, false],
  ]);
  assert.deepEqual(await shown({ retain: ['battery_reading'] }), [
    [1, true],
    [1, false],
    [1, false],
  ]);
  assert.deepEqual(await shown({ retain: ['none'] }), [
    [1, false],
    [1, false],
    [1, false],
  ]);
});

test('a record that becomes many messages counts as delivered when the last of them is', async (t) => {
  const broker = await startMosquitto(t);
  if (!broker) return;
  const listener = await listen(t, broker.port);
  const got = await runCommand(mqttPub, {
    input: [reading, { ...reading, voltage: 12.8 }],
    flags: { url: `mqtt://127.0.0.1:${broker.port}`, split: true, receipts: true },
  });
  assert.deepEqual([got.status, got.delivered], [0, 2]);
  const seen = await listener.count(({ topic }) => topic.includes('/reading/'), 4);
  assert.deepEqual(
    seen.map(({ topic, payload }) => [topic.split('/').at(-1), payload]),
    [
      ['time', reading.time],
      ['voltage', '12.7'],
      ['time', reading.time],
      ['voltage', '12.8'],
    ],
  );
});

test('two identities that share a topic are told once', async () => {
  const state = (charge_point: string) => ({ type: 'wallbox_state', time: reading.time!, charge_point, online: true });
  const got = await dry([state('DE*1'), state('DE_1'), state('DE*1'), state('DE_1')]);
  assert.equal(got.log.filter((line) => line.includes('share one topic') && !line.includes('debug')).length, 1);
});

test('faults of the configuration are said before anything is connected', async () => {
  for (const [flags, status, text] of [
    [{ prefix: 'a/#' }, 78, /wildcard/],
    [{ prefix: '' }, 78, /topic_prefix|empty/],
    [{ instance: 'a/b' }, 78, /mqtt.instance/],
    [{ topic: ['x=a/{'] }, 64, /brace/],
    [{ url: 'http://x' }, 78, /not the address of a broker/],
    [{ url: 'mqtt://u:p@x' }, 78, /user name or a password/],
    [{ cert: 'x' }, 78, /one without the other/],
    [{ ca: '/nowhere' }, 78, /cannot be read: no such file or folder \(ENOENT\)/],
  ] as const) {
    const got = await runCommand(mqttPub, { input: [reading], flags: { ...flags } });
    assert.equal(got.status, status, JSON.stringify(flags));
    assert.match(got.error!.message, text);
    assert.ok(!got.error!.message.includes('u:p'), 'the password is not repeated');
  }
});
