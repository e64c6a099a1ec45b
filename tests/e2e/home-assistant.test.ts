import assert from 'node:assert/strict';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { background, backgroundPipeline } from '../support/background.ts';
import { discoveryFaults } from '../support/homeassistant.ts';
import { rendered } from '../support/jinja.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { listen } from '../support/mqtt.ts';
import { cleanEnvironment, shell, temporaryFolder } from '../support/shell.ts';

/** A simulated pack, a broker, and a configuration that names it. */
async function home(t: TestContext) {
  const broker = await startMosquitto(t);
  if (!broker) return undefined;
  const folder = temporaryFolder('home');
  const config = join(folder, 'config.yaml');
  writeFileSync(config, `mqtt: { broker: 127.0.0.1, port: ${broker.port} }\n`);
  const env = cleanEnvironment(folder, { VOLTPIPE_CONFIG: config, SPOOL: join(folder, 'spool') });
  const pack = background(['simulate', 'jbd'], env);
  t.after(() => pack.stop());
  const endpoint = await pack.line(({ type }) => type === 'endpoint');
  const port = Object.values(endpoint).find((value) => String(value).startsWith('tcp://')) as string;
  return { broker, env, reader: `--port ${port} --type jbd --id bank` };
}

test('the example: a battery over spool in Home Assistant, through a restart of the broker (HAWK-149, HAWK-154)', async (t) => {
  const set = await home(t);
  if (!set) return;
  const { broker, env, reader } = set;
  const before = await listen(t, broker.port);
  const line = `examples/pipelines/batteries-to-home-assistant.sh ${reader} --interval 200ms`;
  const pipeline = backgroundPipeline(line, env);
  t.after(() => pipeline.stop('SIGINT'));
  const config = await before.find(({ topic }) => topic === 'homeassistant/device/voltpipe_bank/config');
  const payload = JSON.parse(config.payload) as { components: Record<string, { state_topic: string }> };
  assert.deepEqual(discoveryFaults(config.topic, payload), []);
  const { state_topic: topic } = payload.components['voltage']!;
  const state = await before.find((message) => message.topic === topic);
  const values = JSON.parse(state.payload) as Record<string, unknown>;
  for (const key of ['voltage', 'current', 'state_of_charge']) {
    assert.ok(key in payload.components, key);
    assert.equal(typeof values[key], 'number');
  }
  await before.find((message) => message.topic === 'voltpipe/system/status' && message.payload.includes('online'));
  await broker.stop();
  const last = before.seen.filter((message) => message.topic === topic).at(-1)!;
  const again = await startMosquitto(t, { port: broker.port });
  if (!again) return;
  const after = await listen(t, broker.port);
  const next = await after.find((message) => message.topic === topic);
  assert.ok(JSON.parse(next.payload).time >= JSON.parse(last.payload).time);
  await after.find((message) => message.topic === config.topic);
});

test('the example for cron: one reading, announced once, and nobody says offline', async (t) => {
  const set = await home(t);
  if (!set) return;
  const { broker, env, reader } = set;
  const listener = await listen(t, broker.port);
  for (let n = 0; n < 2; n++) {
    const { status, stderr } = await shell(`examples/pipelines/battery-from-cron.sh ${reader}`, { env });
    assert.equal(status, 0, stderr);
  }
  await listener.count(({ topic }) => topic === 'voltpipe/device/bank/reading', 2);
  assert.equal(listener.seen.filter(({ topic }) => topic.startsWith('homeassistant/')).length, 1);
  assert.ok(!listener.seen.some(({ topic }) => topic.endsWith('/system/status')));
});

test('a low battery is on from the alarm on, still on for a Home Assistant that starts later, and off once it is over', async (t) => {
  const broker = await startMosquitto(t);
  if (!broker) return;
  const folder = temporaryFolder('home');
  const readings = join(folder, 'readings.ndjson');
  const measure = (minute: number, voltage: number): void => {
    const time = `2026-03-01T12:0${minute}:00.000Z`;
    appendFileSync(readings, `${JSON.stringify({ type: 'battery_reading', time, device_id: 'bank', voltage })}\n`);
  };
  measure(0, 12.7);
  const pipeline = backgroundPipeline(
    `tail -n +1 -f ${readings} | alarm 'voltage<12.2 clear 12.6' | ha-discovery | mqtt-pub --url mqtt://127.0.0.1:${broker.port}`,
    cleanEnvironment(folder),
  );
  t.after(() => pipeline.stop('SIGINT'));
  const before = await listen(t, broker.port);
  await before.find(({ topic }) => topic === 'voltpipe/device/bank/reading');
  assert.ok(!before.seen.some(({ topic }) => topic.startsWith('voltpipe/alarm/')), 'never raised: no entity');

  measure(1, 12.1);
  const topic = 'voltpipe/alarm/bank/voltage_lt_12.2';
  const key = 'alarm_voltage-3c-12-2e-2';
  const config = await before.find(({ payload }) => payload.includes(key));
  const { components } = JSON.parse(config.payload) as { components: Record<string, Record<string, string>> };
  const entity = components[key]!;
  assert.deepEqual([entity['device_class'], entity['state_topic']], ['battery', topic]);
  const shown = ({ payload }: { payload: string }): string =>
    rendered(entity['value_template']!, JSON.parse(payload) as object);
  assert.equal(shown(await before.find((message) => message.topic === topic)), 'ON');

  const later = await listen(t, broker.port);
  await later.find((message) => message.topic === config.topic && message.retain && message.payload.includes(key));
  const kept = await later.find((message) => message.topic === topic);
  assert.deepEqual([shown(kept), kept.retain], ['ON', true]);
  assert.deepEqual([JSON.parse(kept.payload).value, JSON.parse(kept.payload).threshold], [12.1, 12.2]);

  measure(2, 12.7);
  await later.find((message) => message.topic === topic && shown(message) === 'OFF');
  const last = await listen(t, broker.port);
  const cleared = await last.find((message) => message.topic === topic);
  assert.deepEqual([shown(cleared), cleared.retain], ['OFF', true]);

  await pipeline.stop('SIGINT');
  const removed = await shell(`ha-discovery --remove | mqtt-pub --no-status --url mqtt://127.0.0.1:${broker.port}`, {
    env: cleanEnvironment(folder),
  });
  assert.equal(removed.status, 0, removed.stderr);
  const fresh = await listen(t, broker.port);
  await fresh.find((message) => message.topic === 'voltpipe/system/status');
  await fresh.connection.publish('end', '.', { qos: 1, retain: false });
  await fresh.find((message) => message.topic === 'end');
  assert.deepEqual(
    fresh.seen.filter((message) => message.topic === topic || message.topic === config.topic),
    [],
  );
});
