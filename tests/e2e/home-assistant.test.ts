import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { background, backgroundPipeline } from '../support/background.ts';
import { discoveryFaults } from '../support/homeassistant.ts';
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
