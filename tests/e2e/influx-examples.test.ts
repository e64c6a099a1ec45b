import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Database, influxQuery, influxRows, startInfluxd } from '../support/databases.ts';
import { freePort } from '../support/mosquitto.ts';
import { requireService } from '../support/services.ts';
import { cleanEnvironment, root, shell, temporaryFolder } from '../support/shell.ts';

const db = { db: 'battery_hawk' };
const start = Date.parse('2026-03-01T00:00:00.000Z');
const readings = (count: number): string =>
  Array.from(
    { length: count },
    (_, i) =>
      `${JSON.stringify({ type: 'battery_reading', time: new Date(start + i * 600_000).toISOString(), device_id: 'X', voltage: 12 + (i % 10) / 10 })}\n`,
  ).join('');

const script = (name: string): string => join(root, 'examples/influxdb', name);

function run(influxd: Pick<Database, 'url'>, line: string, stdin: string, home = temporaryFolder('home')) {
  const env = cleanEnvironment(home, {
    VOLTPIPE_INFLUXDB_URL: influxd.url,
    VOLTPIPE_INFLUXDB_CREATE_DATABASE: 'true',
    SPOOLS: join(home, 'spools'),
  });
  return shell(line, { env, cwd: home, stdin, limit: 120_000 });
}

test('every example of InfluxDB is run by a test of this file', () => {
  assert.deepEqual(readdirSync(join(root, 'examples/influxdb')).sort(), [
    'again.sh',
    'alarms.sh',
    'ladder.sh',
    'vehicle.sh',
  ]);
});

test('ladder.sh: detail, hours, days, months and years each in their policy, through spools', async (t) => {
  const influxd = await startInfluxd(t);
  if (!influxd) return;
  const home = temporaryFolder('home');
  const setUp = await run(influxd, 'influx-setup --apply --no-downsample --weeks inf', '', home);
  assert.equal(setUp.status, 0, setUp.stderr);
  const got = await run(influxd, script('ladder.sh'), readings(300), home);
  assert.equal(got.status, 0, got.stderr);
  const count = async (policy: string, measurement: string, field: string): Promise<unknown> =>
    (await influxRows(influxd, `SELECT count(${field}) FROM ${policy}.${measurement}`, db))[0]?.count;
  for (let i = 0; i < 400 && (await count('weeks', 'battery_reading', 'voltage')) !== 300; i++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.equal(await count('weeks', 'battery_reading', 'voltage'), 300);
  assert.equal(await count('monthly', 'battery_reading_1h', 'voltage_n'), 50);
  assert.equal(await count('yearly', 'battery_reading_1d', 'voltage_n'), 3);
  assert.deepEqual(
    await influxRows(influxd, 'SELECT n, voltage_n, voltage_min, voltage_max FROM yearly.battery_reading_1mo', db),
    [{ time: start, n: 300, voltage_n: 300, voltage_min: 12, voltage_max: 12.9 }],
  );
});

test('a spool before influx-write: what was read while the database was away is there when it is back', async (t) => {
  const port = await freePort();
  const home = temporaryFolder('home');
  const line = `spool ${join(home, 'spools/x')} -- influx-write --patience 1s`;
  const away = await run({ url: `http://127.0.0.1:${port}` }, line, readings(50), home);
  assert.equal(away.status, 69, away.stderr);
  const influxd = await startInfluxd(t, { port });
  if (!influxd) return;
  const back = await run(influxd, line, readings(60).split('\n').slice(50).join('\n'), home);
  assert.equal(back.status, 0, back.stderr);
  assert.equal((await influxRows(influxd, 'SELECT voltage FROM battery_reading', db)).length, 60);
});

test('vehicle.sh: what a vehicle says becomes vehicle_telemetry, without its position', async (t) => {
  const influxd = await startInfluxd(t);
  if (!influxd) return;
  const value = (v: unknown, unit: string) => ({ timestamp: '2026-03-01T12:00:00Z', value: v, unit });
  const said = {
    type: 'bmw_telematics',
    time: '2026-03-01T12:00:00.000Z',
    vin: 'WBY00000000000001',
    via: 'stream',
    received_at: '2026-03-01T12:00:01.000Z',
    data: {
      'vehicle.drivetrain.batteryManagement.header': value(63, 'percent'),
      'vehicle.cabin.infotainment.navigation.currentLocation.latitude': value(48.1, 'degrees'),
      'vehicle.cabin.infotainment.navigation.currentLocation.longitude': value(11.5, 'degrees'),
    },
  };
  const got = await run(influxd, script('vehicle.sh'), `${JSON.stringify(said)}\n`);
  assert.equal(got.status, 0, got.stderr);
  const [row = {}] = await influxRows(influxd, 'SELECT * FROM vehicle_telemetry', db);
  assert.equal(row.soc, 63);
  assert.equal(row.vin, 'WBY00000000000001');
  assert.ok(!('lat' in row) && !('lon' in row));
});

test('alarms.sh: two alarms at the same moment are two points', async (t) => {
  const influxd = await startInfluxd(t);
  if (!influxd) return;
  const reading = {
    type: 'battery_reading',
    time: '2026-03-01T12:00:00.000Z',
    device_id: 'X',
    voltage: 9,
    temperature: 80,
  };
  const got = await run(
    influxd,
    `${script('alarms.sh')} 'voltage<11' 'temperature>60'`,
    `${JSON.stringify(reading)}\n`,
  );
  assert.equal(got.status, 0, got.stderr);
  const rows = await influxRows(influxd, 'SELECT state, value FROM alarm GROUP BY alarm', db);
  assert.deepEqual(
    rows.map(({ state }) => state),
    ['raised', 'raised'],
  );
});

test('again.sh: rejected lines are taken once what was wrong is mended', async (t) => {
  const influxd = await startInfluxd(t);
  const curl = requireService(t, 'curl');
  const jq = requireService(t, 'jq');
  if (!influxd || !curl || !jq) return;
  await influxQuery(influxd, 'CREATE DATABASE "battery_hawk"');
  await fetch(`${influxd.url}/write?db=battery_hawk&precision=ms`, {
    method: 'POST',
    body: `battery_reading,device_id=Y voltage="high" ${start}`,
  });
  const home = temporaryFolder('home');
  const got = await run(influxd, 'influx-write --rejects rejects.ndjson', readings(3), home);
  assert.equal(got.status, 76, got.stderr);
  await influxQuery(influxd, 'DROP MEASUREMENT battery_reading', db);
  const again = await run(
    influxd,
    `${script('again.sh')} rejects.ndjson '${influxd.url}/write?db=battery_hawk&precision=ms'`,
    '',
    home,
  );
  assert.equal(again.status, 0, again.stderr);
  assert.equal((await influxRows(influxd, 'SELECT voltage FROM battery_reading', db)).length, 3);
});
