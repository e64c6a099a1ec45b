import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { command } from '../../src/commands/normalize.ts';
import type { VoltRecord } from '../../src/records/record.ts';
import { type RunOptions, runCommand } from '../support/command.ts';
import { keys, telematics } from '../support/normalizer.ts';
import { temporaryFolder } from '../support/shell.ts';

const at = '2026-03-01T12:00:00.000Z';
const later = '2026-03-01T12:10:00.000Z';

/** What comes out, parsed: normalize writes its records as lines. */
async function run(
  options: RunOptions,
): Promise<{ records: VoltRecord[]; status: number; log: string; dataDir: string }> {
  const { items, status, log, error, dataDir } = await runCommand(command, options);
  const records = items.map((item) => (typeof item === 'string' ? JSON.parse(item) : item) as VoltRecord);
  return { records, status, log: [...log, error?.message ?? ''].join('\n'), dataDir };
}

function mappingFile(text: string, name = 'map.yaml'): string {
  const file = join(temporaryFolder('mapping'), name);
  writeFileSync(file, text);
  return file;
}

test('records of other types pass untouched', async () => {
  const foreign = { type: 'alarm', time: at, alarm: 'x', nested: { a: null } };
  const { records, status } = await run({ input: [foreign] });
  assert.deepEqual([records, status], [[foreign], 0]);
  assert.equal(records[0], foreign);
});

test("BMW's own lines are read with --from bmw and are no records without it (BMW-27)", async () => {
  const { type, time, via, ...line } = telematics(at, { [keys.soc]: 66 });
  const untyped = line as unknown as VoltRecord;
  const read = await run({ input: [untyped], flags: { from: 'bmw' } });
  assert.deepEqual([read.records.map(({ soc, vin }) => [soc, vin]), read.status], [[[66, 'WBYVP000000000001']], 0]);
  const refused = await run({ input: [untyped] });
  assert.deepEqual([refused.records, refused.status], [[], 65]);
  assert.match(refused.log, /--from bmw/);
  const nonsense = await run({ input: [{ a: 1 } as unknown as VoltRecord], flags: { from: 'bmw' } });
  assert.deepEqual([nonsense.records, nonsense.status], [[], 65]);
});

test('a mapping file goes over the preset, field by field (BMW-28, BMW-72)', async () => {
  const map = mappingFile(`soc: [${keys.displayed}]\ncapacity: []\n`);
  const message = telematics(at, { [keys.soc]: 60, [keys.displayed]: 62, [keys.capacity]: 78, [keys.range]: 200 });
  const { records } = await run({ input: [message], flags: { map } });
  assert.deepEqual([records[0]?.soc, records[0]?.capacity, records[0]?.est_battery_range], [62, undefined, 200]);
  const alone = await run({ input: [message], flags: { map, preset: 'none' } });
  assert.deepEqual([alone.records[0]?.soc, alone.records[0]?.est_battery_range], [62, undefined]);
});

test('the section mapping of the configuration does the same, below --map (BMW-59)', async () => {
  const config = mappingFile(`mapping:\n  soc: [${keys.target}]\n  capacity: []\n`, 'config.yaml');
  const message = telematics(at, { [keys.soc]: 60, [keys.target]: 80, [keys.displayed]: 62, [keys.capacity]: 78 });
  const one = await run({ input: [message], flags: { config } });
  assert.deepEqual([one.records[0]?.soc, one.records[0]?.capacity], [80, undefined]);
  assert.match(one.log, /mapping\.soc\[0\]: a target feeds soc/);
  const two = await run({ input: [message], flags: { config, map: mappingFile(`soc: [${keys.displayed}]`) } });
  assert.deepEqual([two.records[0]?.soc, two.records[0]?.capacity], [62, undefined]);
});

test('all problems of a mapping are said at once, with line and place, and status 78', async () => {
  const map = mappingFile(
    ['soc:', '  - $.data[', '  - $.ok', 'charge: [$.x]', 'power:', '  paths:', '    - field: nothing', ''].join('\n'),
  );
  const { records, status, log } = await run({ input: [telematics(at, { [keys.soc]: 66 })], flags: { map } });
  assert.deepEqual([records, status], [[], 78]);
  assert.match(log, /map\.yaml:2: soc\[0\]: "\$\.data\[" is no JSONPath from character 7/);
  assert.match(log, /map\.yaml:4: charge: is no field of vehicle_telemetry/);
  assert.match(log, /map\.yaml:7: power\.paths\[0\]\.field: "nothing" is no field of this mapping/);
  assert.match(log, /mapping: 3 problems/);
});

test('a mapping file that is not there, or no YAML, is status 78', async () => {
  assert.equal((await run({ flags: { map: '/nowhere/map.yaml' } })).status, 78);
  const broken = await run({ flags: { map: mappingFile('soc: [\nlat: {') } });
  assert.equal(broken.status, 78);
  assert.match(broken.log, /mapping .*map\.yaml: /);
});

test('a mapping file may be JSON', async () => {
  const map = mappingFile(JSON.stringify({ soc: [keys.displayed] }), 'map.json');
  const { records } = await run({ input: [telematics(at, { [keys.displayed]: 62 })], flags: { map } });
  assert.equal(records[0]?.soc, 62);
});

test('a JSONPath to many places is evaluated by jsonpath-plus, with no code run (BMW-38)', async () => {
  const map = mappingFile("soc: [$..charge, '$.list[1:2].level']\nlat: ['$..[''lat'']']\nlon: [$..lon]\n");
  const record = { type: 'bmw_telematics', time: at, vin: 'A', deep: [{ charge: 55, lat: 48.2 }, { lon: 11.6 }] };
  const { records } = await run({ input: [record], flags: { map } });
  assert.deepEqual([records[0]?.soc, records[0]?.lat, records[0]?.lon], [55, 48.2, 11.6]);
  const refused = await run({ flags: { map: mappingFile("soc: ['$.a[?(@.b)]']") } });
  assert.equal(refused.status, 78);
  assert.match(refused.log, /filter or script/);
});

test('a mapping may be for a type of your own', async () => {
  const map = 'examples/mappings/other-broker.yaml';
  const car = { type: 'my_car', time: at, vin: 'X', battery: { level: 0.66, volts: 395.2, amps: -17.8 }, plug: 'IN' };
  const { records } = await run({ input: [car, telematics(at, { [keys.soc]: 50 }, 'B')], flags: { map } });
  assert.deepEqual(records, [
    {
      type: 'vehicle_telemetry',
      time: at,
      vin: 'X',
      utc: Date.parse(at) / 1000,
      soc: 66,
      soc_age_s: 0,
      is_charging: true,
      is_plugged_in: true,
      power: -7.03456,
      voltage: 395.2,
      current: -17.8,
    },
    { type: 'vehicle_telemetry', time: at, vin: 'B', utc: Date.parse(at) / 1000, soc: 50, soc_age_s: 0 },
  ]);
});

test('every mapping file among the examples is without problems and warnings', async () => {
  for (const name of readdirSync('examples/mappings')) {
    const { status, log } = await run({ flags: { map: join('examples/mappings', name) } });
    assert.deepEqual([status, log.trim()], [0, ''], name);
  }
});

test('the preset of the specification warns that its soc is a target (C-1)', async () => {
  const { records, log } = await run({ input: [telematics(at, { [keys.target]: 80 })], flags: { preset: 'bmw-spec' } });
  assert.equal(records[0]?.soc, 80);
  assert.match(log, /preset bmw-spec: soc\[0\]: a target feeds soc/);
});

test('fields are dropped, aged out and explained on request (BMW-07, BMW-39, BMW-73)', async () => {
  const input = [
    telematics(at, { [keys.lat]: 48.2, [keys.lon]: 11.6, [keys.soc]: 66 }),
    telematics(later, { [keys.capacity]: 78 }),
  ];
  const dropped = await run({ input, flags: { drop: 'lat,lon' } });
  assert.deepEqual(
    dropped.records.map(({ lat, lon, soc }) => [lat, lon, soc]),
    [
      [undefined, undefined, 66],
      [undefined, undefined, 66],
    ],
  );
  const aged = await run({ input, flags: { maxAge: '5m,capacity=1h' } });
  assert.deepEqual([aged.records[1]?.soc, aged.records[1]?.lat, aged.records[1]?.capacity], [undefined, undefined, 78]);
  const explained = await run({ input, flags: { explain: true } });
  const [, last] = explained.records;
  assert.deepEqual((last?.explain as Record<string, unknown> | undefined)?.soc, { from: keys.soc, time: at });
  assert.equal((await run({ flags: { maxAge: 'soc=soon' } })).status, 64);
});

test('a field to drop, or to age, that does not exist is a usage error', async () => {
  assert.equal((await run({ flags: { drop: 'latitude' } })).status, 64);
  assert.equal((await run({ flags: { maxAge: 'latitude=5m' } })).status, 64);
});

test('without merging each record stands for itself', async () => {
  const input = [telematics(at, { [keys.soc]: 66 }), telematics(later, { [keys.capacity]: 78 })];
  const { records } = await run({ input, flags: { merge: false } });
  assert.deepEqual(
    records.map(({ soc, capacity }) => [soc, capacity]),
    [
      [66, undefined],
      [undefined, 78],
    ],
  );
});

test('--state touches no other file of the data directory: not the login, and none outside', async () => {
  const { dataDir } = await run({ input: [telematics(at, { [keys.soc]: 66 })], flags: { state: 'bmw-tokens' } });
  assert.ok(existsSync(join(dataDir, 'normalize-bmw-tokens.json')));
  assert.ok(!existsSync(join(dataDir, 'bmw-tokens.json')));
  for (const state of ['../car', 'a/b', '']) {
    const { status, log } = await run({ flags: { state } });
    assert.equal(status, 64, state);
    assert.match(log, /no name/);
  }
});

test('with --state what is known outlives a restart (BMW-73)', async () => {
  const first = await run({ input: [telematics(at, { [keys.soc]: 66 })], flags: { state: 'car' } });
  const second = await run({
    input: [telematics(later, { [keys.capacity]: 78 })],
    flags: { state: 'car' },
    dataDir: first.dataDir,
  });
  assert.deepEqual([second.records[0]?.soc, second.records[0]?.soc_age_s], [66, 600]);
  const without = await run({ input: [telematics(later, { [keys.capacity]: 78 })], dataDir: first.dataDir });
  assert.equal(without.records[0]?.soc, undefined);
});
