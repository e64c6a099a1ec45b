import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { tlmFields, toTlm } from '../../../src/protocols/abrp/telemetry.ts';
import type { VoltRecord } from '../../../src/records/record.ts';
import { vehicleTelemetry } from '../../../src/records/vehicle-telemetry.ts';
import { vectorsIn } from '../../support/ndjson.ts';

const vectors = vectorsIn<{ name: string; json: VoltRecord; expect?: unknown; error?: unknown }>(
  'abrp/telemetry.ndjson',
);

for (const { name, json, expect, error } of vectors) {
  test(`a record becomes what ABRP takes: ${name} (BMW-17, BMW-18, BMW-40, C-4)`, () => {
    const { tlm, lacks } = toTlm(json);
    assert.deepEqual(tlm, expect);
    assert.deepEqual(lacks, error);
  });
}

test('what ABRP does not know is never sent', () => {
  for (const name of [
    'is_plugged_in',
    'charging_power',
    'remaining_charge_time',
    'kwh_charged',
    'vin',
    'soc_predicted',
  ]) {
    assert.ok(!(tlmFields as readonly string[]).includes(name), name);
  }
});

/** Values that a broken source may put anywhere. */
const anything = fc.oneof(
  fc.double(),
  fc.integer({ min: -500, max: 500 }),
  fc.boolean(),
  fc.string(),
  fc.constantFrom(null, undefined, Number.NaN, Number.POSITIVE_INFINITY, -0, '', '-NA-'),
  fc.object({ maxDepth: 1 }),
);
const names = [...vehicleTelemetry.keys.map((key) => key.name), 'made_up'];
const records = fc
  .record({
    utc: fc.oneof(fc.integer({ min: 1.7e9, max: 1.8e9 }), anything),
    soc: fc.oneof(fc.integer({ min: 0, max: 100 }), anything),
  })
  .chain((sure) => fc.dictionary(fc.constantFrom(...names), anything).map((rest) => ({ ...rest, ...sure })));

test('whatever a record holds, a point has ABRP names only, no null, and finite numbers (BMW-40)', () => {
  let points = 0;
  fc.assert(
    fc.property(records, (record) => {
      const { tlm, lacks } = toTlm({ type: 'vehicle_telemetry', ...record });
      if (!tlm) {
        assert.ok(lacks.length > 0);
        return;
      }
      points++;
      for (const [name, value] of Object.entries(tlm)) {
        assert.ok((tlmFields as readonly string[]).includes(name), name);
        assert.ok(['number', 'boolean', 'string'].includes(typeof value), name);
        if (typeof value === 'number') assert.ok(Number.isFinite(value), name);
      }
      assert.ok(tlm.soc >= 0 && tlm.soc <= 100);
      assert.equal('lat' in tlm, 'lon' in tlm);
    }),
    { numRuns: 2000 },
  );
  assert.ok(points > 200, `only ${points} records became points`);
});
