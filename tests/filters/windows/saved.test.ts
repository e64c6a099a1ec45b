import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCalendar } from '../../../src/filters/windows/calendar.ts';
import { createRollup, type RollupOptions } from '../../../src/filters/windows/rollup.ts';
import type { VoltRecord } from '../../../src/records/record.ts';

const options: RollupOptions = {
  sizes: ['1h', '1d'],
  calendar: createCalendar('UTC'),
  fields: [],
  types: [],
  late: 3_600_000,
  maxSeries: 100,
  maxSeen: 512,
};
const now = Date.parse('2026-03-02T00:00:00Z');
const reading = (minute: number, more: object = {}): VoltRecord => ({
  type: 'battery_reading',
  time: new Date(Date.parse('2026-03-01T12:00:00Z') + minute * 60_000).toISOString(),
  device_id: 'X',
  voltage: 12 + minute / 100,
  ...more,
});

test('what is saved and restored goes on as if nothing had been: windows, parts of windows, readings seen', () => {
  const first = createRollup(options);
  for (const minute of [1, 2, 70, 71]) first.take(reading(minute), now);
  first.take(
    {
      ...reading(0),
      type: 'other_1h',
      n: 2,
      v_n: 2,
      v_sum: 3.5,
      v_min: 1,
      v_max: 2.5,
      v_mean: 1.75,
      v_first: 1,
      v_last: 2.5,
    },
    now,
  );
  const saved = JSON.parse(JSON.stringify(first.snapshot()));
  const second = createRollup(options);
  second.restore(saved);
  assert.deepEqual(second.snapshot(), first.snapshot());
  for (const rollup of [first, second]) {
    // Seen before, late, and new.
    for (const minute of [71, 70, 3, 200]) rollup.take(reading(minute), now);
  }
  assert.deepEqual(second.flush(), first.flush());
  assert.equal(second.flush().length, 0, 'nothing has changed since');
});

test('what came since a few saves ago is known again after a restart, and no more than that is kept', () => {
  const maxSeen = 16_384;
  const each = 3000;
  const second = (n: number): VoltRecord => ({
    ...reading(0),
    time: new Date(now - 86_400_000 + n * 1000).toISOString(),
  });
  const rollup = createRollup({ ...options, sizes: ['1mo'], maxSeen });
  for (let save = 0; save < 5; save++) {
    for (let n = save * each; n < (save + 1) * each; n++) rollup.take(second(n), now);
    rollup.snapshot();
  }
  const saved = JSON.parse(JSON.stringify(rollup.snapshot()));
  const restored = createRollup({ ...options, sizes: ['1mo'], maxSeen });
  restored.restore(saved);
  for (let n = 3 * each; n < 5 * each + 1; n++) restored.take(second(n), now);
  assert.equal(restored.flush().at(-1)?.n, 5 * each + 1);
  for (let save = 0; save < 5; save++) rollup.snapshot();
  assert.ok(JSON.stringify(rollup.snapshot()).length < 3000);
});
