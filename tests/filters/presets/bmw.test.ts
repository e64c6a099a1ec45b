import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readBuiltIn } from '../../../src/filters/mapping/built-in.ts';
import { compile } from '../../../src/filters/mapping/compile.ts';
import { readMapping } from '../../../src/filters/mapping/read.ts';
import { bmwSpec } from '../../../src/filters/presets/bmw-spec.ts';
import { presets } from '../../../src/filters/presets/index.ts';
import { toRecord } from '../../../src/protocols/bmw/telematics.ts';
import { validate } from '../../../src/records/common.ts';
import type { VoltRecord } from '../../../src/records/record.ts';
import { vehicleTelemetry } from '../../../src/records/vehicle-telemetry.ts';
import { vectorsIn } from '../../support/ndjson.ts';
import { keys, normalizerOf, telematics } from '../../support/normalizer.ts';

const at = '2026-03-01T12:00:00.000Z';

/** The record of one message to a vehicle of which nothing is known. */
const normalized = (values: Record<string, unknown>, document?: unknown): VoltRecord | undefined =>
  normalizerOf(document).take(telematics(at, values));

interface Vector {
  name: string;
  source: string;
  json: unknown[];
  expect: VoltRecord[];
}

const vectors: Vector[] = vectorsIn('bmw/telematics.ndjson');

for (const { name, json, expect } of vectors) {
  test(`${name}: the values that BMW sent become the telemetry expected (BMW-06, BMW-27)`, () => {
    const { take } = normalizerOf();
    const records = json.flatMap((message) => {
      const record = toRecord(message, { via: 'stream', receivedAt: Date.parse('2026-12-01T00:00:00Z') });
      if (!record) assert.fail('not recognised');
      const { time, ...rest } = record;
      const measured = Object.values(record.data).some((point) => point?.timestamp);
      return take({ ...rest, ...(measured && time !== undefined && { time }) }) ?? [];
    });
    assert.deepEqual(records, expect);
  });
}

test('every preset is without problems', () => {
  for (const { name, mapping } of presets) assert.deepEqual(readMapping(mapping).problems, [], name);
});

test('a preset that is used unasked is without warnings, and read unchecked it means the same', () => {
  for (const { name, reads, mapping } of presets) {
    const checked = readMapping(mapping);
    const isUsual = presets.find((other) => other.reads === reads)?.name === name;
    if (isUsual) assert.deepEqual(checked.warnings, [], name);
    const withoutPlaces = [...checked.mapping].map(([field, { candidates, ...rest }]) => [
      field,
      { candidates: candidates.map(({ at: _, ...candidate }) => candidate), ...rest },
    ]);
    assert.deepEqual([...readBuiltIn(mapping)], withoutPlaces, name);
    assert.deepEqual(compile(checked.mapping, { jsonPath: () => assert.fail(`${name} searches`) }).problems, [], name);
  }
});

test('the state of charge: the measured one, never the target or the prediction (C-1)', () => {
  const record = normalized({ [keys.target]: 80, [keys.predicted]: '71' });
  assert.deepEqual([record?.soc, record?.target_soc, record?.soc_predicted], [undefined, 80, 71]);
});

test('the charging states are read as yes and no (BMW-31, C-2)', () => {
  for (const [status, expected] of Object.entries({
    CHARGINGACTIVE: true,
    CHARGING: true,
    NOCHARGING: false,
    INITIALIZATION: false,
    CHARGINGPAUSED: false,
    CHARGINGENDED: false,
    CHARGINGERROR: false,
    INVALID: undefined,
    '': undefined,
  })) {
    assert.equal(normalized({ [keys.status]: status, [keys.soc]: 50 })?.is_charging, expected, status);
  }
});

test('hvStatus counts only while the status itself is unknown', () => {
  assert.equal(normalized({ [keys.hvStatus]: 'CHARGING' })?.is_charging, true);
  assert.equal(normalized({ [keys.hvStatus]: 'INVALID', [keys.soc]: 5 })?.is_charging, undefined);
  const { take } = normalizerOf();
  take(telematics(at, { [keys.status]: 'CHARGINGACTIVE' }));
  assert.equal(take(telematics('2026-03-01T14:00:00.000Z', { [keys.hvStatus]: 'NOT_CHARGING' })), undefined);
});

test('plugged in: the port, the flag, or what charging implies (BMW-32)', () => {
  assert.equal(normalized({ [keys.port]: 'CONNECTED' })?.is_plugged_in, true);
  assert.equal(normalized({ [keys.port]: 'DISCONNECTED' })?.is_plugged_in, false);
  assert.equal(normalized({ [keys.plugged]: 'ASN_isTrue' })?.is_plugged_in, true);
  assert.equal(normalized({ [keys.status]: 'CHARGINGENDED' })?.is_plugged_in, true);
  assert.equal(normalized({ [keys.status]: 'NOCHARGING' })?.is_plugged_in, undefined);
});

test('charging power is kilowatts whatever its unit; without one it is watts (BMW-36)', () => {
  const power = (value: unknown): unknown =>
    normalized({ [keys.status]: 'CHARGINGACTIVE', [keys.power]: value })?.charging_power;
  assert.equal(power([7100, 'W']), 7.1);
  assert.equal(power([10.9, 'kW']), 10.9);
  assert.equal(power(['7100', undefined]), 7.1);
  assert.equal(power([900, undefined]), 0.9);
  assert.equal(power([-5, 'W']), undefined);
  assert.equal(power([7100, 'bananas']), undefined);
});

test('charging power of voltage, current and phases, from several messages, only while charging', () => {
  const { take } = normalizerOf();
  take(telematics(at, { [keys.status]: 'CHARGINGACTIVE', [keys.volts]: [230, 'V'] }));
  take(telematics(at, { [keys.amperes]: ['16', 'A'] }));
  const record = take(telematics('2026-03-01T12:00:10.000Z', { [keys.phases]: '3-PHASES' }));
  assert.deepEqual([record?.charging_power, record?.power], [11.04, -11.04]);
  const ended = take(telematics('2026-03-01T12:10:00.000Z', { [keys.status]: 'CHARGINGENDED' }));
  assert.deepEqual([ended?.charging_power, ended?.power], [0, 0]);
});

test('power is out of the battery: negative while charging, 0 when parked, else absent (BMW-33, C-4)', () => {
  assert.equal(normalized({ [keys.status]: 'CHARGINGACTIVE', [keys.power]: [7100, 'W'] })?.power, -7.1);
  assert.equal(normalized({ [keys.status]: 'NOCHARGING', [keys.port]: 'CONNECTED' })?.power, 0);
  assert.equal(normalized({ [keys.moving]: true, [keys.status]: 'NOCHARGING' })?.power, undefined);
  assert.equal(normalized({ [keys.status]: 'CHARGINGACTIVE' })?.power, undefined);
});

test('speed is 0 at a standstill and else absent, never an average (BMW-35)', () => {
  assert.equal(normalized({ [keys.moving]: 'ASN_isFalse' })?.speed, 0);
  assert.equal(normalized({ [keys.moving]: true, 'vehicle.vehicle.avgSpeed': 47 })?.speed, undefined);
  assert.equal(normalized({ 'vehicle.speed': [30, 'mph'] })?.speed, 48.28032);
});

test('parked: charging or plugged, or standing with the drive off', () => {
  const parked = (values: Record<string, unknown>): unknown => normalized({ ...values, [keys.soc]: 50 })?.is_parked;
  assert.equal(parked({ [keys.port]: 'CONNECTED' }), true);
  assert.equal(parked({ [keys.moving]: true, [keys.ignition]: true }), false);
  assert.equal(parked({ [keys.moving]: false, [keys.ignition]: 'ASN_isFalse' }), true);
  assert.equal(parked({ [keys.moving]: false, [keys.ignition]: false, [keys.active]: true }), undefined);
  assert.equal(parked({ [keys.moving]: false }), undefined);
});

test('fast charging: the plug, the method or more power than alternating current has', () => {
  const fast = (values: Record<string, unknown>): unknown =>
    normalized({ [keys.status]: 'CHARGINGACTIVE', ...values })?.is_dcfc;
  assert.equal(fast({ [keys.dcStatus]: 'CONNECTED' }), true);
  assert.equal(fast({ [keys.method]: 'DC_COMBO' }), true);
  assert.equal(fast({ [keys.power]: [48_000, 'W'] }), true);
  assert.equal(fast({ [keys.method]: 'AC_TYPE2PLUG' }), false);
  assert.equal(fast({}), undefined);
  assert.equal(fast({ [keys.status]: 'NOCHARGING', [keys.dcStatus]: 'CONNECTED' }), undefined);
});

test('the remaining time is minutes, and only of a charge that goes on (BMW-37)', () => {
  assert.equal(
    normalized({ [keys.status]: 'CHARGINGACTIVE', [keys.remaining]: ['95', 'min'] })?.remaining_charge_time,
    95,
  );
  assert.equal(
    normalized({ [keys.status]: 'NOCHARGING', [keys.remaining]: ['95', 'min'] })?.remaining_charge_time,
    undefined,
  );
});

test('the mapping of the specification is there word for word, and works (BMW-59, BMW-60, BMW-61, BMW-62, C-3)', () => {
  assert.deepEqual(bmwSpec, {
    soc: ['vehicle.powertrain.electric.battery.stateOfCharge.target'],
    is_charging: ['vehicle.drivetrain.electricEngine.charging.status'],
    lat: ['location.latitude'],
    lon: ['location.longitude'],
    speed: ['vehicle.speed'],
  });
  assert.match(readMapping(bmwSpec).warnings[0]?.message ?? '', /target feeds soc/);
  const values = {
    [keys.target]: 80,
    [keys.status]: 'CHARGINGACTIVE',
    'location.latitude': 48.2,
    'location.longitude': 11.6,
    'vehicle.speed': 30,
  };
  const record = normalized(values, bmwSpec);
  assert.deepEqual(
    [record?.soc, record?.is_charging, record?.lat, record?.lon, record?.speed],
    [80, true, 48.2, 11.6, 30],
  );
});

const anyKey = fc.constantFrom(...Object.values(keys));
const anyPoint = fc.oneof(
  fc.jsonValue(),
  fc.record(
    {
      timestamp: fc.oneof(fc.jsonValue(), fc.constantFrom('2026-03-01T12:00:00Z', '2026-03-01T12:00:05.250Z')),
      value: fc.oneof(
        fc.jsonValue(),
        fc.integer(),
        fc.constantFrom('', '-NA-', '66', 'CHARGINGACTIVE', 'ASN_isTrue', '1e308'),
      ),
      unit: fc.oneof(fc.jsonValue(), fc.constantFrom('W', 'kW', '%', 'mi', 'constructor')),
    },
    { requiredKeys: [] },
  ),
);

test('whatever comes, nothing throws, and no record holds null, NaN or what no vehicle has (BMW-27)', () => {
  const known = new Map(
    vehicleTelemetry.keys.map((key) => [key.name as string, key as { kind: string; min?: number; max?: number }]),
  );
  fc.assert(
    fc.property(fc.array(fc.dictionary(fc.oneof(anyKey, fc.string()), anyPoint), { maxLength: 8 }), (messages) => {
      const { take, applyLine } = normalizerOf();
      const { take: other } = normalizerOf(undefined, { explain: true });
      for (const data of messages) {
        const record = { type: 'bmw_telematics', time: at, received_at: at, vin: 'A', data };
        const made = take(record);
        other(record);
        applyLine({ record, data, time: at, arrived: at });
        if (!made) continue;
        assert.equal(validate(made), undefined);
        for (const [name, value] of Object.entries(made)) {
          if (name === 'type' || name === 'time') continue;
          const key = known.get(name) ?? assert.fail(`${name} is in no vocabulary`);
          assert.equal(typeof value, key.kind, name);
          if (typeof value !== 'number') continue;
          assert.ok(
            Number.isFinite(value) && value >= (key.min ?? value) && value <= (key.max ?? value),
            `${name} ${value}`,
          );
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('the line that is written is the record', () => {
  fc.assert(
    fc.property(fc.array(fc.dictionary(anyKey, anyPoint), { maxLength: 8 }), fc.boolean(), (messages, merge) => {
      const asRecord = normalizerOf(undefined, { merge });
      const asLine = normalizerOf(undefined, { merge });
      for (const data of messages) {
        const record = { type: 'bmw_telematics', time: at, received_at: at, vin: 'A"\u2028ä', data };
        const line = asLine.applyLine({ record, data, time: at, arrived: at });
        const made = asRecord.take(record);
        assert.equal(line, made && JSON.stringify(made));
      }
    }),
    { numRuns: 300 },
  );
});
