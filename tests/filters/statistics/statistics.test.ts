import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type StatisticsOptions, statistics } from '../../../src/filters/statistics/statistics.ts';
import type { VoltRecord } from '../../../src/records/record.ts';
import { formatTime } from '../../../src/records/time.ts';
import { vocabularyFaults } from '../../support/vocabulary.ts';

const start = Date.parse('2026-03-01T12:00:00.000Z');
const minute = 60_000;
const usual: StatisticsOptions = { average: 3, every: 0, window: 10 * minute, maxGap: 5 * minute, swing: 10 };

const reading = (at: number, fields: Record<string, unknown>): VoltRecord => ({
  type: 'battery_reading',
  time: formatTime(start + at * minute),
  device_id: 'pack',
  ...fields,
});

/** The last record that the readings come to. */
function after(readings: readonly VoltRecord[], options: Partial<StatisticsOptions> = {}): VoltRecord {
  const subject = statistics({ ...usual, ...options });
  const made = readings.flatMap((one) => subject.take(one) ?? []);
  const last = made.at(-1) ?? subject.rest().at(-1);
  assert.ok(last);
  assert.deepEqual(vocabularyFaults(last), []);
  return last;
}

describe('peaks', () => {
  test('of current and power in each direction, with the time of the reading, and the greater of both (ESP-11, ESP-18, ESP-23)', () => {
    const stats = after([
      reading(0, { voltage: 50, current: 10 }),
      reading(1, { voltage: 52, current: -30 }),
      reading(2, { voltage: 51, current: 20, power: 1030 }),
    ]);
    assert.equal(stats.peak_current, 30);
    assert.equal(stats.peak_power, 1560);
    assert.equal(stats.peak_charge_current, 20);
    assert.equal(stats.peak_charge_current_at, '2026-03-01T12:02:00.000Z');
    assert.equal(stats.peak_discharge_current, -30);
    assert.equal(stats.peak_discharge_current_at, '2026-03-01T12:01:00.000Z');
    assert.equal(stats.peak_charge_power, 1030);
    assert.equal(stats.peak_discharge_power, -1560);
  });

  test('begin at 0: one that rests has a peak of 0 and none of a direction', () => {
    const stats = after([reading(0, { voltage: 50, current: 0 })]);
    assert.equal(stats.peak_current, 0);
    assert.equal(stats.peak_power, 0);
    assert.ok(!('peak_charge_current' in stats) && !('peak_discharge_power_at' in stats));
  });

  test('of what a monitor does not measure there are none (C-12)', () => {
    const stats = after([reading(0, { voltage: 12.4, state_of_charge: 80 }), reading(1, { voltage: 12.3 })]);
    for (const key of [
      'peak_current',
      'peak_power',
      'current_avg',
      'charged_ah',
      'discharged_wh',
      'cell_delta',
      'temp_rate',
    ])
      assert.ok(!(key in stats), key);
    assert.equal(stats.voltage_min, 12.3);
    assert.equal(stats.voltage_max, 12.4);
  });
});

test('a moving average is that of the last N readings that have the value (ESP-30)', () => {
  const stats = after([
    reading(0, { voltage: 100, current: 1 }),
    reading(1, { voltage: 10, current: 2 }),
    reading(2, { voltage: 20 }),
    reading(3, { voltage: 30, current: 6 }),
  ]);
  assert.equal(stats.voltage_avg, 20);
  assert.equal(stats.current_avg, 3);
});

test('imbalance is the spread of the cells, of now and the greatest (ESP-28)', () => {
  const stats = after([
    reading(0, { cells: [3.3, 3.25, 3.31] }),
    reading(1, { cells: [3.3, 3.2], cell_delta: 0.1 }),
    reading(2, { cell_delta: 0.02 }),
  ]);
  assert.equal(stats.cell_delta, 0.02);
  assert.equal(stats.cell_delta_max, 0.1);
  assert.equal(stats.cell_delta_max_at, '2026-03-01T12:01:00.000Z');
  assert.equal(after([reading(0, { cells: [3.3, 3.25, 3.31] })]).cell_delta, 0.06);
});

describe('temperature', () => {
  test('the rate is the least-squares slope of each sensor, the steepest first of all (ESP-29)', () => {
    const stats = after([0, 1, 2, 3, 4].map((at) => reading(at, { temperatures: [20 + at * 0.5, 30 - at * 2] })));
    assert.deepEqual(stats.temp_rates, [0.5, -2]);
    assert.equal(stats.temp_rate, -2);
    assert.equal(stats.temp_delta, 0);
  });

  test('from sensor to sensor it is what the newest reading says, to the hundredth (ESP-29)', () => {
    const stats = after([reading(0, { temperatures: [20, 28] }), reading(1, { temperatures: [21.5, 18.25, 20] })]);
    assert.equal(stats.temp_delta, 3.25);
  });

  test('times count as they are, not as steps', () => {
    const stats = after([0, 1, 5, 9].map((at) => reading(at, { temperature: 20 + at })));
    assert.equal(stats.temp_rate, 1);
    assert.ok(!('temp_delta' in stats));
  });

  test('one outlier moves the line less than the difference of two readings would', () => {
    const stats = after([0, 1, 2, 3, 4, 5, 6].map((at) => reading(at, { temperature: at === 6 ? 27 : 20 })));
    assert.ok((stats.temp_rate as number) < 1, String(stats.temp_rate));
  });

  test('what is older than the window is forgotten', () => {
    const steep = [0, 1, 2].map((at) => reading(at, { temperature: 20 + at * 10 }));
    const flat = [20, 22, 24, 26].map((at) => reading(at, { temperature: 15 }));
    assert.equal(after([...steep, ...flat]).temp_rate, 0);
  });

  test('a sensor that is not connected counts for nothing', () => {
    const stats = after([0, 1, 2, 3].map((at) => reading(at, { temperatures: [20 + at, -40, 255] })));
    assert.equal(stats.temp_rate, 1);
    assert.ok(!('temp_delta' in stats) && !('temp_rates' in stats));
  });

  test('two readings make no rate', () => {
    assert.ok(!('temp_rate' in after([reading(0, { temperature: 20 }), reading(1, { temperature: 30 })])));
  });
});

describe('throughput', () => {
  test('charge and energy are the area under current and power, each direction for itself (ESP-31, HAWK-18)', () => {
    const stats = after([
      reading(0, { voltage: 50, current: 60, nominal_ah: 10 }),
      reading(1, { voltage: 50, current: 60 }),
      reading(3, { voltage: 50, current: -60 }),
      reading(4, { voltage: 50, current: -60 }),
    ]);
    // A minute of 60 A is 1 Ah; the line from +60 to −60 over two minutes gives half of 60 A for a minute on each side.
    assert.equal(stats.charged_ah, 1.5);
    assert.equal(stats.discharged_ah, 1.5);
    assert.equal(stats.charged_wh, 75);
    assert.equal(stats.discharged_wh, 75);
    assert.equal(stats.equivalent_cycles, 0.15);
  });

  test('nothing is counted over a gap that is too long', () => {
    const stats = after([0, 1, 30, 31].map((at) => reading(at, { voltage: 50, current: 60 })));
    assert.equal(stats.charged_ah, 2);
    assert.ok(!('charged_ah' in after([reading(0, { current: 60 }), reading(30, { current: 60 })])));
  });

  test('without a voltage there is charge and no energy', () => {
    const stats = after([reading(0, { current: 60 }), reading(1, { current: 60 })]);
    assert.equal(stats.charged_ah, 1);
    assert.ok(!('charged_wh' in stats) && !('equivalent_cycles' in stats));
  });
});

describe('charge cycles', () => {
  const cyclesOf = (levels: readonly number[]): unknown =>
    after(levels.map((soc, at) => reading(at, { state_of_charge: soc }))).charge_cycles;

  test('a battery that went down and came up again has done one (ESP-31, HAWK-18)', () => {
    assert.equal(cyclesOf([90, 60, 30]), 0);
    assert.equal(cyclesOf([90, 60, 30, 40]), 1);
    assert.equal(cyclesOf([90, 30, 90, 30, 90]), 2);
    assert.equal(cyclesOf([30, 90, 30]), 0);
  });

  test('less than the swing is noise', () => {
    assert.equal(cyclesOf([90, 50, 55, 50, 58, 49, 56]), 0);
    assert.equal(cyclesOf([90, 50, 59, 41, 51]), 1);
  });
});

describe('records', () => {
  test("there is one a minute of the readings' time, and the rest at the end", () => {
    const subject = statistics({ ...usual, every: minute });
    const times = [0, 0.5, 1, 1.5, 2.5, 2.6];
    const made = times.flatMap((at) => subject.take(reading(at, { voltage: 12 })) ?? []);
    assert.deepEqual(
      made.map(({ time, count }) => [time, count]),
      [
        ['2026-03-01T12:01:00.000Z', 3],
        ['2026-03-01T12:02:30.000Z', 5],
      ],
    );
    assert.deepEqual(
      subject.rest().map(({ count }) => count),
      [6],
    );
    assert.deepEqual(subject.rest(), []);
  });

  test('devices are kept apart, and a record carries the identity of its reading', () => {
    const subject = statistics(usual);
    subject.take(reading(0, { device_id: 'a', current: 5 }));
    const b = subject.take(
      reading(1, { device_id: 'b', current: 1, device_name: 'B', vehicle_id: 'vehicle_2', vehicle_name: 'Boat' }),
    );
    assert.equal(b?.peak_current, 1);
    assert.equal(b?.vehicle_name, 'Boat');
    assert.equal(b?.device_name, 'B');
    assert.equal(b?.since, '2026-03-01T12:01:00.000Z');
  });

  test('a reading that comes twice, late, without a time or without a device counts for nothing', () => {
    const subject = statistics(usual);
    subject.take(reading(5, { current: 1 }));
    for (const one of [
      reading(5, { current: 99 }),
      reading(1, { current: 99 }),
      reading(9, { current: 99, time: undefined }),
      reading(9, { current: 99, device_id: undefined }),
    ])
      assert.equal(subject.take(one), undefined);
    const next = subject.take(reading(6, { current: 2 }));
    assert.equal(next?.peak_current, 2);
    assert.equal(next?.count, 2);
  });

  test('a reading out of the future is not taken: it changes no figure, and none after it is late', () => {
    const year = 365 * 24 * 60;
    const subject = statistics({ ...usual, every: minute, latest: () => start + 60 * minute });
    subject.take(reading(year, { current: 90, temperature: 20 }));
    for (const at of [0, year, 1]) subject.take(reading(at, { current: at === year ? 90 : 1, temperature: 20 }));
    const last = subject.take(reading(2, { current: 1, temperature: 21 }));
    assert.equal(last?.time, '2026-03-01T12:02:00.000Z');
    assert.equal(last?.since, '2026-03-01T12:00:00.000Z');
    assert.deepEqual([last?.count, last?.peak_current, subject.ahead], [3, 1, 2]);
    assert.equal(subject.take(reading(1, { current: 1 })), undefined, 'late is late');
  });

  test('what is saved and loaded goes on where it was, as JSON', () => {
    const before = [
      reading(0, { voltage: 50, current: 60, state_of_charge: 90, cell_delta: 0.1, nominal_ah: 10 }),
      reading(1, { voltage: 50, current: -60, state_of_charge: 40 }),
    ];
    const rest = [
      reading(2, { voltage: 50, current: 30, state_of_charge: 60 }),
      reading(3, { voltage: 50, current: 30 }),
    ];
    const first = statistics(usual);
    for (const one of before) first.take(one);
    const second = statistics(usual);
    second.load(JSON.parse(JSON.stringify(first.save())));
    assert.equal(second.take(before[1]!), undefined, 'what was counted before the restart is not counted again');
    const [, last] = rest.map((one) => second.take(one));
    assert.equal(last?.since, '2026-03-01T12:00:00.000Z');
    assert.equal(last?.peak_discharge_power_at, '2026-03-01T12:01:00.000Z');
    assert.equal(last?.cell_delta_max, 0.1);
    assert.equal(last?.soc_max, 90);
    assert.equal(last?.charge_cycles, 1);
    assert.equal(last?.count, 4);
    assert.equal(last?.peak_current, 60);
    // The gap of the restart is not counted; before it half of 60 A for half a minute, after it 30 A for a minute.
    assert.equal(last?.charged_ah, 0.75);
  });
});
