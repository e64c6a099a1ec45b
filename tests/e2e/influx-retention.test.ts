import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { command as setup } from '../../src/commands/influx-setup.ts';
import { command as write } from '../../src/commands/influx-write.ts';
import type { VoltRecord } from '../../src/records/record.ts';
import { runCommand } from '../support/command.ts';
import { type Database, influxQuery, influxRows, startInfluxd } from '../support/databases.ts';
import { requireService, runService } from '../support/services.ts';
import { cleanEnvironment, shell, temporaryFolder } from '../support/shell.ts';

const db = { db: 'battery_hawk' };
const apply = async (influxd: Database, flags: object = {}): Promise<string[]> => {
  const { items, status, error } = await runCommand(setup, {
    flags: { url: influxd.url, apply: true, fields: ['voltage,current'], ...flags },
  });
  assert.equal(status, 0, error?.message);
  return items as string[];
};

test('influx-setup makes databases, policies and continuous queries in influxd, and a second run changes nothing (HAWK-107)', async (t) => {
  const influxd = await startInfluxd(t);
  if (!influxd) return;
  const things = [
    'database battery_hawk',
    'retention policy weeks',
    'retention policy monthly',
    'retention policy yearly',
    'continuous query battery_reading_1h',
    'continuous query battery_reading_1d',
  ];
  assert.deepEqual(
    await apply(influxd),
    things.map((thing) => `created ${thing}`),
  );
  assert.deepEqual(
    await apply(influxd),
    things.map((thing) => `unchanged ${thing}`),
  );
  const changed = await apply(influxd, { weeks: '4w', fields: ['voltage'] });
  assert.deepEqual(
    changed.filter((line) => line.startsWith('changed')),
    [
      'changed retention policy weeks',
      'changed continuous query battery_reading_1h',
      'changed continuous query battery_reading_1d',
    ],
  );
  const policies = await influxRows(influxd, 'SHOW RETENTION POLICIES ON "battery_hawk"');
  const byName = new Map(policies.map((policy) => [policy.name, policy]));
  assert.equal(byName.get('weeks')?.duration, '672h0m0s');
  assert.equal(byName.get('weeks')?.default, true);
  assert.equal(byName.get('yearly')?.duration, '0s');
});

test('policies that are shorter than the shards they would have are made and changed (HAWK-107)', async (t) => {
  const influxd = await startInfluxd(t);
  if (!influxd) return;
  const plans = [
    { weeks: '1h', monthly: '20d', yearly: '100d' },
    { weeks: '8w', monthly: '1825d', yearly: 'inf' },
    { weeks: '12h', monthly: '1h', yearly: '52w' },
  ];
  for (const plan of plans) {
    await apply(influxd, { ...plan, downsample: false });
    const again = await apply(influxd, { ...plan, downsample: false });
    assert.ok(
      again.every((line) => line.startsWith('unchanged')),
      again.join(),
    );
  }
  const policies = await influxRows(influxd, 'SHOW RETENTION POLICIES ON "battery_hawk"');
  assert.deepEqual(
    policies
      .filter(({ name }) => name !== 'autogen')
      .map(({ name, duration, shardGroupDuration }) => [name, duration, shardGroupDuration]),
    [
      ['weeks', '12h0m0s', '12h0m0s'],
      ['monthly', '1h0m0s', '1h0m0s'],
      ['yearly', '8736h0m0s', '8736h0m0s'],
    ],
  );
});

test('the statements that influx-setup prints are taken by the program influx', async (t) => {
  const influxd = await startInfluxd(t);
  const influx = requireService(t, 'influx');
  if (!influxd || !influx) return;
  const { items } = await runCommand(setup, { flags: { api: 'v1', backfill: '30d' } });
  const said = runService(influx, ['-port', String(influxd.port)], { input: `${items.join('\n')}\n` });
  assert.doesNotMatch(said, /ERR/);
  assert.equal((await influxRows(influxd, 'SHOW CONTINUOUS QUERIES')).length, 2);
  assert.deepEqual(
    (await apply(influxd, { fields: [] })).filter((line) => !line.startsWith('unchanged')),
    [],
  );
});

test('continuous queries make hours of readings with all their tags, and --backfill of what came late', async (t) => {
  const influxd = await startInfluxd(t);
  if (!influxd) return;
  await apply(influxd);
  const hour = 3_600_000;
  const now = Math.floor(Date.now() / hour) * hour;
  const at = (ms: number, voltage: number): VoltRecord => ({
    type: 'battery_reading',
    time: new Date(ms).toISOString(),
    device_id: 'X',
    voltage,
  });
  const input = [
    at(now - 40 * hour, 10),
    at(now - hour, 12),
    at(now - hour + 60_000, 13),
    at(now - hour + 120_000, 15),
  ];
  const flags = { url: influxd.url, tag: ['location=garage'] };
  assert.equal((await runCommand(write, { input, flags })).status, 0);
  const hours = () => influxRows(influxd, 'SELECT * FROM monthly.battery_reading_1h', db);
  for (let i = 0; i < 400 && (await hours()).length === 0; i++) await new Promise((resolve) => setTimeout(resolve, 50));
  const parts = {
    voltage_n: 3,
    voltage_sum: 40,
    voltage_min: 12,
    voltage_max: 15,
    voltage_mean: 40 / 3,
    voltage_first: 12,
    voltage_last: 15,
  };
  const keys = ['time', 'device_id', 'location', ...Object.keys(parts)];
  assert.deepEqual(
    (await hours()).map((row) => Object.fromEntries(keys.map((key) => [key, row[key]]))),
    [{ time: now - hour, device_id: 'X', location: 'garage', ...parts }],
  );
  const filled = await apply(influxd, { backfill: '30d' });
  assert.equal(filled.filter((line) => line.startsWith('filled')).length, 2);
  assert.deepEqual(
    (await hours()).map(({ time, location }) => [time, location]),
    [
      [now - 40 * hour, 'garage'],
      [now - hour, 'garage'],
    ],
  );
});

test('weeks of detail, months of hours and years of days: rollup writes what a query over the readings says (HAWK-107)', async (t) => {
  const influxd = await startInfluxd(t);
  if (!influxd) return;
  await apply(influxd, { weeks: 'inf', downsample: true });
  for (const name of ['battery_reading_1h', 'battery_reading_1d'])
    await influxQuery(influxd, `DROP CONTINUOUS QUERY "${name}" ON "battery_hawk"`);
  const home = temporaryFolder('home');
  const start = Date.parse('2026-03-27T23:00:00.000Z');
  const lines = Array.from({ length: 400 }, (_, i) =>
    JSON.stringify({
      type: 'battery_reading',
      time: new Date(start + i * 720_000).toISOString(),
      device_id: i % 2 ? 'X' : 'Y',
      voltage: 12 + (i % 37) / 10,
    }),
  );
  writeFileSync(join(home, 'readings.ndjson'), `${lines.join('\n')}\n`);
  const pipeline = `cat readings.ndjson | tee -p >(influx-write --rp weeks) >(rollup 1h --state hours | influx-write --rp monthly) | rollup 1d,1mo --tz Europe/Berlin --state days | influx-write --rp yearly; wait; sleep 1`;
  const env = cleanEnvironment(home, { VOLTPIPE_INFLUXDB_URL: influxd.url });
  const got = await shell(pipeline, { env, cwd: home, limit: 120_000 });
  assert.equal(got.status, 0, got.stderr);
  const rows = (statement: string) => influxRows(influxd, statement, db);
  for (
    let i = 0;
    i < 200 && (await rows('SELECT count(voltage_n) FROM monthly.battery_reading_1h'))[0]?.count !== 160;
    i++
  )
    await new Promise((resolve) => setTimeout(resolve, 50));
  const hours = await rows(
    'SELECT voltage_n, voltage_min, voltage_max, voltage_mean FROM monthly.battery_reading_1h GROUP BY device_id',
  );
  const expected = await rows(
    `SELECT count(voltage) AS voltage_n, min(voltage) AS voltage_min, max(voltage) AS voltage_max, mean(voltage) AS voltage_mean FROM weeks.battery_reading WHERE time >= '2026-03-27T00:00:00Z' AND time < '2026-04-02T00:00:00Z' GROUP BY time(1h), device_id fill(none)`,
  );
  assert.equal(hours.length, 160);
  assert.deepEqual(hours.map(rounded), expected.map(rounded));
  const days = await rows(
    'SELECT voltage_n, voltage_min, voltage_max, voltage_mean FROM yearly.battery_reading_1d GROUP BY device_id',
  );
  const local = await rows(
    `SELECT count(voltage) AS voltage_n, min(voltage) AS voltage_min, max(voltage) AS voltage_max, mean(voltage) AS voltage_mean FROM weeks.battery_reading WHERE time >= '2026-03-27T23:00:00Z' AND time < '2026-04-02T00:00:00Z' GROUP BY time(1d), device_id fill(none) tz('Europe/Berlin')`,
  );
  assert.deepEqual(days.map(rounded), local.map(rounded), 'the day of 23 hours too');
});

const rounded = (row: Record<string, unknown>): Record<string, unknown> => ({
  ...row,
  voltage_mean: Number(Number(row.voltage_mean).toPrecision(11)),
});
