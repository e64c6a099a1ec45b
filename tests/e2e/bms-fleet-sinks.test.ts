import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../src/runtime/clock.ts';
import { bmPeripheral } from '../../src/simulators/ble/bm.ts';
import { airVariables, testAir } from '../support/bluetooth.ts';
import { influxRows, startInfluxd } from '../support/databases.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { listen } from '../support/mqtt.ts';
import { cleanEnvironment, shell, temporaryFolder } from '../support/shell.ts';
import { packs } from './bms-fleet.ts';

const round = 'bms-read --registry --once --no-initial-scan';

test('a round over the registry into InfluxDB: one measurement, tagged with the device and the vehicle of the registry (HAWK-10, HAWK-105, HAWK-106)', async (t) => {
  const influxd = await startInfluxd(t);
  if (!influxd) return;
  const fleet = await packs(t, 2, 3600);
  const config = join(fleet.dataDir, 'config.yaml');
  writeFileSync(
    config,
    `influxdb: { host: 127.0.0.1, port: ${influxd.port}, database: battery_hawk, createDatabase: true }\n`,
  );
  const env = { ...fleet.env, VOLTPIPE_CONFIG: config };
  const got = await shell(`set -o pipefail; ${round} | influx-write`, { env });
  assert.equal(got.status, 0, got.stderr);
  const series = await influxRows(
    influxd,
    'SELECT voltage, device_id, device_type, vehicle_id, vehicle_name FROM battery_reading',
    { db: 'battery_hawk' },
  );
  assert.deepEqual(series.map(({ device_id }) => device_id).sort(), [...fleet.ids].sort());
  assert.deepEqual(series.map(({ vehicle_name }) => vehicle_name).sort(), ['Vehicle 1', 'Vehicle 2']);
  assert.ok(series.every(({ voltage, device_type }) => typeof voltage === 'number' && device_type === 'jbd'));
  const tagged = await influxRows(influxd, 'SHOW TAG KEYS FROM battery_reading', { db: 'battery_hawk' });
  const tags = JSON.stringify(tagged);
  for (const tag of ['device_id', 'device_type', 'vehicle_id', 'vehicle_name']) assert.ok(tags.includes(tag), tag);
});

test('a round over the registry at the broker: readings, statuses, summaries and the system, in their topics (HAWK-87 to HAWK-90)', async (t) => {
  const broker = await startMosquitto(t);
  if (!broker) return;
  const fleet = await packs(t, 1, 3600);
  const listener = await listen(t, broker.port);
  const url = `mqtt://127.0.0.1:${broker.port}`;
  const got = await shell(`set -o pipefail; ${round} | mqtt-pub --url ${url} --prefix battery_hawk`, {
    env: fleet.env,
  });
  assert.equal(got.status, 0, got.stderr);
  const [id] = fleet.ids as [string];
  const reading = await listener.find(({ topic }) => /^battery_hawk\/device\/[^/]+\/reading$/.test(topic));
  assert.equal(JSON.parse(reading.payload).device_id, id);
  const status = await listener.find(
    ({ topic, payload }) =>
      topic === reading.topic.replace(/reading$/, 'status') && JSON.parse(payload).status === 'connected',
  );
  assert.equal(status.qos, 1);
  const { vehicle_id } = JSON.parse(reading.payload) as { vehicle_id: string };
  const summary = await listener.find(({ topic }) => topic === `battery_hawk/vehicle/${vehicle_id}/summary`);
  assert.equal(JSON.parse(summary.payload).device_count, 1);
  const system = await listener.find(
    ({ topic, payload }) => topic === 'battery_hawk/system/status' && payload.includes('uptime'),
  );
  assert.deepEqual(JSON.parse(system.payload).devices, { connected: 1 });
});

test('a monitor that a scan finds is told at the broker (HAWK-91)', async (t) => {
  const broker = await startMosquitto(t);
  if (!broker) return;
  const air = await testAir(t, [bmPeripheral({ family: 'bm6', clock: systemClock })]);
  if (!air) return;
  const listener = await listen(t, broker.port, ['battery_hawk/discovery/#']);
  const env = cleanEnvironment(temporaryFolder('home'), {
    ...airVariables(air),
  });
  const url = `mqtt://127.0.0.1:${broker.port}`;
  const got = await shell(`set -o pipefail; ble-scan --once | mqtt-pub --url ${url} --prefix battery_hawk`, { env });
  assert.equal(got.status, 0, got.stderr);
  const found = await listener.find(({ topic }) => topic === 'battery_hawk/discovery/found');
  assert.deepEqual([JSON.parse(found.payload).device_type, found.qos, found.retain], ['bm6', 1, false]);
});
