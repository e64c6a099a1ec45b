import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keys, normalizerOf, telematics } from '../../support/normalizer.ts';

const t = (minutes: number, seconds = 0): string => new Date(Date.UTC(2026, 2, 1, 12, minutes, seconds)).toISOString();

test('the last value of each field stays, with its own age (BMW-73)', () => {
  const { take } = normalizerOf();
  take(telematics(t(0), { [keys.soc]: [66, '%'] }));
  assert.deepEqual(take(telematics(t(10), { [keys.range]: ['254.5', 'KM'] })), {
    type: 'vehicle_telemetry',
    time: t(10),
    vin: 'WBYVP000000000001',
    utc: Date.parse(t(10)) / 1000,
    soc: 66,
    soc_age_s: 600,
    est_battery_range: 254.5,
  });
});

test('utc is the time of the data point, not of the message, not of now (BMW-29)', () => {
  const { take } = normalizerOf();
  const record = telematics(t(0), { [keys.soc]: 66 });
  assert.equal(take({ ...record, sent_at: t(5), received_at: t(6) })?.utc, Date.parse(t(0)) / 1000);
});

test('a value that comes late does not turn the time back: newer ones are in the record, too', () => {
  const { take, applyLine } = normalizerOf();
  take(telematics(t(20), { [keys.soc]: 66 }));
  take(telematics(t(30), { [keys.range]: 254 }));
  const late = take(telematics(t(10), { [keys.capacity]: 78 }));
  assert.equal(late?.time, t(30));
  assert.equal(late?.soc_age_s, 600);
  const record = telematics(t(11), { [keys.tyre]: [240, 'kPa'] });
  const line = applyLine({
    record,
    data: record.data as object as Record<string, unknown>,
    time: record.time,
    arrived: t(31),
  });
  assert.equal(JSON.parse(line ?? '').time, t(30));
});

test('nor does it after a restart', () => {
  const before = normalizerOf();
  before.take(telematics(t(30), { [keys.soc]: 66 }));
  const { take, load } = normalizerOf();
  load(before.save());
  assert.equal(take(telematics(t(10), { [keys.capacity]: 78 }))?.time, t(30));
});

test('vehicles are kept apart by VIN (C-8)', () => {
  const { take } = normalizerOf();
  take(telematics(t(0), { [keys.soc]: 66 }, 'A'));
  const other = take(telematics(t(1), { [keys.capacity]: 78 }, 'B'));
  assert.equal(other?.soc, undefined);
  assert.equal(other?.vin, 'B');
});

test('a duplicate makes no record, a later measurement of the same value does', () => {
  const { take } = normalizerOf();
  const message = telematics(t(0), { [keys.soc]: 66 });
  assert.ok(take(message));
  assert.equal(take(structuredClone(message)), undefined);
  assert.equal(take(telematics(t(1), { [keys.soc]: 66 }))?.time, t(1));
});

test('a value that arrives late is dropped', () => {
  const { take } = normalizerOf();
  take(telematics(t(10), { [keys.soc]: 66 }));
  assert.equal(take(telematics(t(9), { [keys.soc]: 65 })), undefined);
});

test('keys that nobody maps make no record', () => {
  const { take } = normalizerOf();
  assert.equal(take(telematics(t(0), { 'vehicle.cabin.door.status': 'LOCKED' })), undefined);
});

test('a sentinel changes nothing: unknown is never 0 or false', () => {
  const { take } = normalizerOf();
  take(telematics(t(0), { [keys.soc]: 66, [keys.port]: 'CONNECTED', [keys.tyre]: ['248', 'kPa'] }));
  for (const nothing of ['', '-NA-', 'INVALID', 'UNKNOWN', null]) {
    const message = telematics(t(1), { [keys.soc]: nothing, [keys.port]: nothing, [keys.tyre]: [nothing, 'kPa'] });
    assert.equal(take(message), undefined, String(nothing));
  }
  const record = take(telematics(t(2), { [keys.capacity]: 78 }));
  assert.deepEqual([record?.soc, record?.is_plugged_in, record?.tire_pressure_fl], [66, true, 248]);
});

test('what can not be meant is left out: ranges (BMW-30)', () => {
  const { take } = normalizerOf();
  for (const soc of [-1, 101, 254, '1e9']) assert.equal(take(telematics(t(0), { [keys.soc]: soc })), undefined);
  assert.equal(take(telematics(t(0), { [keys.capacity]: ['0', 'kWh'] })), undefined);
  assert.equal(take(telematics(t(1), { [keys.soc]: 0 }))?.soc, 0);
  assert.equal(take(telematics(t(2), { [keys.soc]: 100 }))?.soc, 100);
});

test('a value without a time stamp takes that of its record', () => {
  const { take } = normalizerOf();
  const record = {
    type: 'bmw_telematics',
    time: t(3),
    vin: 'A',
    data: { [keys.soc]: { value: '41', unit: 'percent' } },
  };
  assert.equal(take(record)?.time, t(3));
  assert.equal(take({ ...record, time: undefined as unknown as string }), undefined);
});

test('a time that lies a day ahead of its arrival is not believed', () => {
  const { take } = normalizerOf();
  const wrong = telematics(t(0), { [keys.soc]: 90 });
  const data = { [keys.soc]: { timestamp: '2099-01-01T00:00:00Z', value: 90 } };
  assert.equal(take({ ...wrong, data }), undefined);
  assert.equal(take(telematics(t(1), { [keys.soc]: 66 }))?.soc, 66);
});

test('latitude and longitude make a position only with one time (BMW-34)', () => {
  const { take } = normalizerOf();
  assert.equal(take(telematics(t(0), { [keys.lat]: [48.2, 'degrees'] })), undefined);
  const first = take(telematics(t(0), { [keys.lon]: ['11.6', 'degrees'] }));
  assert.deepEqual([first?.lat, first?.lon, first?.time], [48.2, 11.6, t(0)]);
  assert.equal(take(telematics(t(6), { [keys.lat]: [48.21, 'degrees'] })), undefined);
  const between = take(telematics(t(6), { [keys.soc]: 50 }));
  assert.deepEqual([between?.lat, between?.lon], [48.2, 11.6]);
  const second = take(telematics(t(6), { [keys.lon]: [11.608, 'degrees'] }));
  assert.deepEqual([second?.lat, second?.lon], [48.21, 11.608]);
});

test('no position without a fix, and none at the origin', () => {
  const { take } = normalizerOf();
  take(telematics(t(0), { [keys.fix]: 'NO_FIX' }));
  assert.equal(take(telematics(t(1), { [keys.lat]: 48.2, [keys.lon]: 11.6 })), undefined);
  const { take: other } = normalizerOf();
  assert.equal(other(telematics(t(1), { [keys.lat]: 0, [keys.lon]: 0 })), undefined);
});

test('a value older than its maximal age is no longer known', () => {
  const { take } = normalizerOf();
  take(
    telematics(t(0), {
      [keys.lat]: 48.2,
      [keys.lon]: 11.6,
      [keys.status]: 'CHARGINGACTIVE',
      [keys.power]: [7100, 'W'],
    }),
  );
  const soon = take(telematics(t(30), { [keys.soc]: 50 }));
  assert.deepEqual([soon?.lat, soon?.lon, soon?.charging_power, soon?.power], [48.2, 11.6, 7.1, -7.1]);
  const later = take(telematics(t(61), { [keys.soc]: 55 }));
  assert.deepEqual(
    [later?.lat, later?.lon, later?.charging_power, later?.power],
    [undefined, undefined, undefined, undefined],
  );
  assert.equal(later?.is_charging, true);
  assert.equal(take(telematics(t(25 * 60), { [keys.soc]: 80 }))?.is_charging, undefined);
});

test('maximal ages can be set for all fields and for one', () => {
  const maxAge = new Map([
    ['*', 60_000],
    ['soc', 600_000],
  ]);
  const { take } = normalizerOf(undefined, { maxAge });
  take(telematics(t(0), { [keys.soc]: 66, [keys.capacity]: 78 }));
  const record = take(telematics(t(5), { [keys.range]: 200 }));
  assert.deepEqual([record?.soc, record?.capacity], [66, undefined]);
});

test('of several candidates the first that is known wins (BMW-39)', () => {
  const { take } = normalizerOf();
  assert.equal(take(telematics(t(0), { [keys.displayed]: 62, [keys.soc]: 61, [keys.tripEndSoc]: 60 }))?.soc, 61);
  assert.equal(take(telematics(t(1), { [keys.displayed]: 64 })), undefined);
});

test('a later candidate takes over when the first has fallen silent', () => {
  const { take } = normalizerOf();
  take(telematics(t(0), { [keys.soc]: 61 }));
  assert.equal(take(telematics(t(4), { [keys.displayed]: 63 })), undefined);
  assert.equal(take(telematics(t(6), { [keys.displayed]: 64 }))?.soc, 64);
  assert.equal(take(telematics(t(7), { [keys.soc]: 65 }))?.soc, 65);
});

test('without merging each record stands for itself', () => {
  const { take } = normalizerOf(undefined, { merge: false });
  const message = telematics(t(0), { [keys.soc]: 66 });
  assert.deepEqual(take(message), take(message));
  assert.equal(take(telematics(t(1), { [keys.capacity]: 78 }))?.soc, undefined);
});

test('a dropped field is not in the record, though others may look at it (BMW-07)', () => {
  const { take } = normalizerOf(undefined, { drop: new Set(['lat', 'lon', 'is_charging']) });
  const record = take(
    telematics(t(0), {
      [keys.lat]: 48.2,
      [keys.lon]: 11.6,
      [keys.status]: 'CHARGINGACTIVE',
      [keys.power]: [7100, 'W'],
    }),
  );
  assert.deepEqual(
    [record?.lat, record?.lon, record?.is_charging, record?.power],
    [undefined, undefined, undefined, -7.1],
  );
  assert.equal(take(telematics(t(1), { [keys.lat]: 48.3, [keys.lon]: 11.7 })), undefined);
});

test('with --explain each field says which candidate it came from, and when (BMW-39)', () => {
  const { take } = normalizerOf(undefined, { explain: true });
  take(telematics(t(0), { [keys.displayed]: 62 }));
  const record = take(telematics(t(1), { [keys.status]: 'CHARGINGACTIVE', [keys.power]: [7100, 'W'] }));
  const explain = record?.explain as Record<string, { from: string; time: string }>;
  assert.deepEqual(explain.soc, { from: keys.displayed, time: t(0) });
  assert.deepEqual(explain.power, { from: 'charging_power', time: t(1) });
  assert.equal(explain.is_parked?.from, '{"is_charging":true}');
  assert.deepEqual(
    Object.keys(explain),
    Object.keys(record ?? {}).filter((key) => key in explain),
  );
});

test('what was known goes on after a restart', () => {
  const before = normalizerOf();
  before.take(
    telematics(t(0), { [keys.soc]: 66, [keys.lat]: 48.2, [keys.lon]: 11.6, [keys.odometer]: [20_000, 'mi'] }),
  );
  const saved = JSON.parse(JSON.stringify(before.save()));
  const after = normalizerOf();
  after.load(saved);
  assert.equal(after.take(telematics(t(0), { [keys.soc]: 66 })), undefined);
  const record = after.take(telematics(t(5), { [keys.capacity]: 78 }));
  assert.deepEqual([record?.soc, record?.lat, record?.lon, record?.odometer], [66, 48.2, 11.6, 32186.88]);
  assert.equal(after.take(telematics(t(6), { [keys.odometer]: 20_001 }))?.odometer, 32188.489344);
});
