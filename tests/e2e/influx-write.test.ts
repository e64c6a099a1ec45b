import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { command } from '../../src/commands/influx-write.ts';
import type { VoltRecord } from '../../src/records/record.ts';
import { background } from '../support/background.ts';
import { runCommand } from '../support/command.ts';
import { influxQuery, influxRows, startInfluxd, startVictoriaMetrics } from '../support/databases.ts';
import { until } from '../support/fixture.ts';
import { cleanEnvironment, shell, temporaryFolder } from '../support/shell.ts';

const start = Date.parse('2026-03-01T12:00:00.000Z');
const reading = (second: number, more: object = {}): VoltRecord => ({
  type: 'battery_reading',
  time: new Date(start + second * 1000).toISOString(),
  device_id: 'AA:BB:CC:DD:EE:FF',
  voltage: 12.5,
  ...more,
});

const names = [
  'a,b',
  'a b',
  'a=b',
  'say "x"',
  'back\\slash',
  'a\\,b',
  'a\\ b',
  'a\\=b',
  'a\\\\b',
  '🔋 Über',
  '#1',
  "it's",
  '{"a":1}',
  'x'.repeat(3000),
];

test('names with commas, spaces, quotes, backslashes and emoji come back from influxd as they went in', async (t) => {
  const influxd = await startInfluxd(t);
  if (!influxd) return;
  const records = [
    ...names.map((name, second) => reading(second, { device_name: name, note: name, [name]: second })),
    reading(100, { device_name: 'ends with\\', note: 'two\nlines\ttab' }),
    reading(101, { device_name: 'two\nlines', type: 'odd, name' }),
  ];
  const { status, delivered, log } = await runCommand(command, {
    input: records,
    flags: { url: influxd.url, database: 'my home', createDb: true, stringFields: ['note'] },
  });
  assert.equal(status, 0, log.join('\n').slice(0, 2000));
  assert.equal(delivered, records.length);
  const series = await influxQuery(influxd, 'SELECT * FROM battery_reading GROUP BY device_name', {
    db: 'my home',
  });
  for (const [second, name] of names.entries()) {
    const found = series.find(({ tags }) => tags?.device_name === name);
    assert.ok(found, name);
    const row = Object.fromEntries(found.columns.map((column, index) => [column, found.values[0]?.[index]]));
    assert.equal(row.note, name);
    assert.equal(row[name.replace(/\\+(?=[,= ])/g, '')], second, `field ${name}`);
    assert.equal(row.time, start + second * 1000);
  }
  const trimmed = series.find(({ tags }) => tags?.device_name === 'ends with');
  assert.ok(JSON.stringify(trimmed?.values).includes(JSON.stringify('two\\nlines\\ttab')));
  assert.equal((await influxRows(influxd, 'SELECT voltage FROM "odd, name"', { db: 'my home' })).length, 1);
});

test('a query by a static tag finds the points in influxd, and finds others by the tag of their own', async (t) => {
  const influxd = await startInfluxd(t);
  if (!influxd) return;
  const input = [reading(0), reading(1, { source: 'own' })];
  const write = (tag: string[]) =>
    runCommand(command, { input, flags: { url: influxd.url, createDb: true, tag: [...tag, 'source=static'] } });
  for (const location of ['garage, "left" a=b\\c', 'cellar']) {
    const { status, log } = await write([`location=${location}`]);
    assert.equal(status, 0, log.join('\n'));
  }
  const found = async (where: string) =>
    (
      await influxRows(influxd, `SELECT voltage, source FROM battery_reading WHERE ${where}`, { db: 'battery_hawk' })
    ).map(({ time, voltage, source }) => [((time as number) - start) / 1000, voltage, source]);
  const both = [
    [0, 12.5, 'static'],
    [1, 12.5, 'own'],
  ];
  assert.deepEqual(await found(`location = 'garage, "left" a=b\\\\c'`), both);
  assert.deepEqual(await found(`location = 'cellar'`), both);
  assert.deepEqual(await found(`location = 'cellar' AND source = 'static'`), both.slice(0, 1));
  assert.deepEqual(await found(`location = 'attic'`), []);
});

test('integers after floats, NaN, lists: every number is stored, nothing is refused', async (t) => {
  const influxd = await startInfluxd(t);
  if (!influxd) return;
  const records = [
    reading(0, { voltage: 12, cells: [3, 3.1] }),
    reading(1, { voltage: 12.5, cells: [3.1, 3] }),
    reading(2, { voltage: 13, odd: Number.NaN, charge_enabled: true, alarms: ['low'] }),
    reading(3, { voltage: 1e21, tiny: 1e-7 }),
  ];
  const { status } = await runCommand(command, { input: records, flags: { url: influxd.url, createDb: true } });
  assert.equal(status, 0);
  const rows = await influxRows(
    influxd,
    'SELECT voltage, cell_1, cell_2, charge_enabled, alarms_count, tiny FROM battery_reading',
    { db: 'battery_hawk' },
  );
  assert.deepEqual(
    rows.map(({ voltage, cell_1, charge_enabled, alarms_count, tiny }) => [
      voltage,
      cell_1,
      charge_enabled,
      alarms_count,
      tiny,
    ]),
    [
      [12, 3, null, null, null],
      [12.5, 3.1, null, null, null],
      [13, null, true, 1, null],
      [1e21, null, null, null, 1e-7],
    ],
  );
});

test('a field that another program made a text: only those lines are rejected, and kept; the same for what is too old (pain 10)', async (t) => {
  const influxd = await startInfluxd(t);
  if (!influxd) return;
  for (const statement of ['CREATE DATABASE "x"', 'CREATE RETENTION POLICY "short" ON "x" DURATION 3h REPLICATION 1']) {
    await influxQuery(influxd, statement);
  }
  // The type of a field is one a shard, which is an hour here.
  const now = Math.floor(Date.now() / 3_600_000) * 3_600_000 + 600_000;
  await fetch(`${influxd.url}/write?db=x&rp=short&precision=ms`, {
    method: 'POST',
    body: `battery_reading current="high" ${now}`,
  });
  const rejects = join(temporaryFolder('rejects'), 'rejects.ndjson');
  const at = (ago: number, more: object = {}): VoltRecord =>
    reading(0, { time: new Date(now - ago).toISOString(), ...more });
  const records = [
    ...Array.from({ length: 200 }, (_, i) => at(i * 1000, i % 50 === 7 ? { current: 5 } : {})),
    at(36_000_000),
    at(36_100_000),
  ];
  const { status, delivered } = await runCommand(command, {
    input: records,
    flags: { url: influxd.url, database: 'x', rp: 'short', rejects },
  });
  assert.equal(status, 76);
  assert.equal(delivered, 202);
  const kept = readFileSync(rejects, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { reason: string; line: string });
  assert.equal(
    kept.filter(({ line, reason }) => line.includes('current=5') && reason.includes('type conflict')).length,
    4,
  );
  assert.equal(kept.filter(({ reason }) => reason.includes('retention policy')).length, 2);
  assert.equal(kept.length, 6);
  const [{ count } = {}] = await influxRows(influxd, 'SELECT count(voltage) FROM short.battery_reading', { db: 'x' });
  assert.equal(count, 196);
});

test('user and password of influxd; without them 77, with a wrong policy 78', async (t) => {
  const influxd = await startInfluxd(t, { auth: true });
  if (!influxd) return;
  await influxQuery(influxd, `CREATE USER "hawk" WITH PASSWORD 'secret' WITH ALL PRIVILEGES`);
  const run = (flags: object, env: Record<string, string> = {}) =>
    runCommand(command, { input: [reading(0)], flags: { url: influxd.url, createDb: true, ...flags }, env });
  assert.equal((await run({})).status, 77);
  const known = { BATTERYHAWK_INFLUXDB_USERNAME: 'hawk', BATTERYHAWK_INFLUXDB_PASSWORD: 'secret' };
  assert.equal((await run({}, { ...known, BATTERYHAWK_INFLUXDB_PASSWORD: 'wrong' })).status, 77);
  assert.equal((await run({}, known)).status, 0);
  assert.equal((await run({ rp: 'nope' }, known)).status, 78);
  const rows = await influxRows(influxd, 'SELECT voltage FROM battery_reading', {
    db: 'battery_hawk',
    u: 'hawk',
    p: 'secret',
  });
  assert.equal(rows.length, 1);
});

test('--create-db with influxd: who may not is 77, a name that it refuses is 78, and a database that is dropped while records flow is made again', async (t) => {
  const influxd = await startInfluxd(t, { auth: true });
  if (!influxd) return;
  const admin = { u: 'root', p: 'secret' };
  await influxQuery(influxd, `CREATE USER "root" WITH PASSWORD 'secret' WITH ALL PRIVILEGES`);
  await influxQuery(influxd, `CREATE USER "w" WITH PASSWORD 'secret'`, admin);
  const run = (username: string, database: string) =>
    runCommand(command, {
      input: [reading(0)],
      flags: { url: influxd.url, createDb: true, database },
      env: { BATTERYHAWK_INFLUXDB_USERNAME: username, BATTERYHAWK_INFLUXDB_PASSWORD: 'secret' },
    });
  const other = await run('w', 'battery_hawk');
  assert.deepEqual([other.status, other.delivered], [77, 0], other.error?.message);
  const refused = await run('root', 'a/b');
  assert.deepEqual([refused.status, refused.delivered], [78, 0]);
  assert.match(refused.error?.message ?? '', /invalid name/);

  const made = await run('root', 'battery_hawk');
  assert.equal(made.status, 0);
  const inFlight = 4;
  let given = 0;
  let taken = 0;
  async function* input() {
    for (let drops = 0; drops < 4; drops++) {
      // So many receipts say that at least one is of a write that began behind the last drop.
      const before = taken;
      for (let i = 0; i < 5 * (inFlight + 1); i++) yield reading(++given);
      await until(() => taken > before + inFlight, 'writes');
      await influxQuery(influxd!, 'DROP DATABASE "battery_hawk"', admin);
    }
    for (let i = 0; i < 50; i++) yield reading(++given);
  }
  const { status, delivered, log, error } = await runCommand(command, {
    input: input(),
    flags: { url: influxd.url, createDb: true, receipts: true, batch: '5', flush: '10ms', inFlight: String(inFlight) },
    onItem: (item) => (item as VoltRecord).ok === true && taken++,
    env: { BATTERYHAWK_INFLUXDB_USERNAME: 'root', BATTERYHAWK_INFLUXDB_PASSWORD: 'secret' },
  });
  assert.deepEqual([status, delivered], [0, given], error?.message);
  assert.equal(log.filter((line) => line.includes('has been made')).length, 4);
  const last = await influxRows(influxd, 'SELECT last(voltage) FROM battery_reading', { db: 'battery_hawk', ...admin });
  assert.equal(last[0]?.time, start + given * 1000);
});

test('influxd is killed and started again while records flow: every one is there once', async (t) => {
  const influxd = await startInfluxd(t);
  if (!influxd) return;
  await influxQuery(influxd, 'CREATE DATABASE "battery_hawk"');
  const home = temporaryFolder('home');
  const fifo = join(home, 'records');
  await shell(`mkfifo ${fifo}`);
  const count = 3000;
  const writer = background(
    [
      'bash',
      '-c',
      `exec influx-write --url ${influxd.url} --batch 100 --flush 50ms --receipts --on-unavailable block --patience 5m < ${fifo}`,
    ],
    cleanEnvironment(home),
  );
  t.after(() => writer.stop('SIGKILL'));
  const feeder = background(
    [
      'node',
      '-e',
      `const out = require('node:fs').createWriteStream(${JSON.stringify(fifo)});
       let i = 0;
       const tick = setInterval(() => {
         for (let n = 0; n < 20 && i < ${count}; n++, i++)
           out.write(JSON.stringify({ type: 'battery_reading', time: new Date(${start} + i * 1000).toISOString(), device_id: 'X', voltage: i }) + '\\n');
         if (i === ${count}) { clearInterval(tick); out.end(); }
       }, 10);`,
    ],
    cleanEnvironment(home),
  );
  t.after(() => feeder.stop('SIGKILL'));
  await writer.line((line) => line.ok === true);
  await influxd.kill();
  await writer.line((line) => line.ok === false);
  await influxd.restart();
  const { status } = await writer.ended;
  assert.equal(status, 0, writer.stderr());
  const rows = await influxRows(influxd, 'SELECT voltage FROM battery_reading', { db: 'battery_hawk' });
  assert.deepEqual(
    rows.map(({ voltage }) => voltage),
    Array.from({ length: count }, (_, i) => i),
  );
  assert.match(writer.stderr(), /takes no records; they wait[\s\S]*takes records again/);
});

test('VictoriaMetrics: recognised, numbers and booleans arrive with all tags (HAWK-109)', async (t) => {
  const victoria = await startVictoriaMetrics(t);
  if (!victoria) return;
  const records = [reading(0, { device_name: 'a,b "c" \\d', charge_enabled: true }), reading(10, { voltage: 13 })];
  const { status, log } = await runCommand(command, { input: records, flags: { url: victoria.url } });
  assert.equal(status, 0);
  assert.match(log.join('\n'), /writes to VictoriaMetrics/);
  const exported = async (): Promise<string> => {
    await fetch(`${victoria.url}/internal/force_flush`);
    return (
      await fetch(`${victoria.url}/api/v1/export`, {
        method: 'POST',
        body: new URLSearchParams({ 'match[]': '{__name__=~"battery_reading.*"}' }),
      })
    ).text();
  };
  let text = '';
  for (let i = 0; i < 200 && text.trim().split('\n').length < 3; i++) text = await exported();
  const series = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { metric: Record<string, string>; values: number[]; timestamps: number[] });
  const first = series.find(({ metric }) => metric.__name__ === 'battery_reading_voltage' && metric.device_name);
  assert.deepEqual(first?.metric, {
    __name__: 'battery_reading_voltage',
    db: 'battery_hawk',
    device_id: 'AA:BB:CC:DD:EE:FF',
    device_name: 'a,b "c" \\d',
  });
  assert.deepEqual([first?.values, first?.timestamps], [[12.5], [start]]);
  assert.deepEqual(series.find(({ metric }) => metric.__name__ === 'battery_reading_charge_enabled')?.values, [1]);
  assert.deepEqual(
    series.find(({ metric }) => metric.__name__ === 'battery_reading_voltage' && !metric.device_name)?.values,
    [13],
  );
});

test('a configuration file as the requirement has it (HAWK-105, HAWK-106)', async (t) => {
  const influxd = await startInfluxd(t);
  if (!influxd) return;
  const home = temporaryFolder('home');
  const config = join(home, 'config.yaml');
  writeFileSync(
    config,
    `influxdb:\n  enabled: true\n  host: 127.0.0.1\n  port: ${influxd.port}\n  database: battery_hawk\n  username: ""\n  password: ""\n  createDatabase: true\n`,
  );
  const stdin = [
    reading(0, { device_type: 'bm6', vehicle_name: 'Vehicle_1' }),
    { type: 'gap', time: reading(1).time, source: 'bms-read', count: 3 },
  ]
    .map((record) => `${JSON.stringify(record)}\n`)
    .join('');
  const got = await shell('influx-write', { env: cleanEnvironment(home, { VOLTPIPE_CONFIG: config }), stdin });
  assert.equal(got.status, 0, got.stderr);
  assert.equal(got.stdout, '');
  const rows = await influxRows(influxd, 'SELECT * FROM battery_reading', { db: 'battery_hawk' });
  assert.deepEqual(rows, [
    { time: start, device_id: 'AA:BB:CC:DD:EE:FF', device_type: 'bm6', vehicle_name: 'Vehicle_1', voltage: 12.5 },
  ]);
  assert.deepEqual(await influxRows(influxd, 'SELECT * FROM gap', { db: 'battery_hawk' }), [
    { time: start + 1000, source: 'bms-read', count: 3 },
  ]);
});

test('VictoriaMetrics: texts are refused with 78 before one is stored as 0; a point that comes twice is there twice, as the manual says', async (t) => {
  const victoria = await startVictoriaMetrics(t);
  if (!victoria) return;
  const flags = { url: victoria.url };
  const refused = await runCommand(command, {
    input: [reading(0, { firmware: 'beta' })],
    flags: { ...flags, stringFields: ['firmware'] },
  });
  assert.equal(refused.status, 78);
  assert.match(refused.error?.message ?? '', /VictoriaMetrics keeps no texts/);
  for (const voltage of [5, 3]) {
    assert.equal((await runCommand(command, { input: [reading(0, { voltage })], flags })).status, 0);
  }
  const values = async (): Promise<number[]> => {
    await fetch(`${victoria.url}/internal/force_flush`);
    const body = new URLSearchParams({ 'match[]': '{__name__=~"battery_reading_(voltage|firmware)"}' });
    const text = await (await fetch(`${victoria.url}/api/v1/export`, { method: 'POST', body })).text();
    const lines = text.trim().split('\n').filter(Boolean);
    return lines.flatMap((line) => (JSON.parse(line) as { values: number[] }).values);
  };
  let seen: number[] = [];
  for (let i = 0; i < 200 && seen.length < 2; i++) seen = await values();
  assert.deepEqual(seen.toSorted(), [3, 5]);
});
