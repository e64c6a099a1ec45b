import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createCalendar, type WindowSize, windowSizes } from '../../../src/filters/windows/calendar.ts';

const hours = (zone: string, size: WindowSize, time: string): [string, string, number] => {
  const { start, end } = createCalendar(zone).windowOf(size, Date.parse(time));
  return [new Date(start).toISOString(), new Date(end).toISOString(), (end - start) / 3_600_000];
};

test('days, months and years are those of the time zone', () => {
  assert.deepEqual(hours('UTC', '1d', '2026-03-29T12:00:00Z'), [
    '2026-03-29T00:00:00.000Z',
    '2026-03-30T00:00:00.000Z',
    24,
  ]);
  assert.deepEqual(hours('Europe/Berlin', '1mo', '2026-02-28T23:30:00Z'), [
    '2026-02-28T23:00:00.000Z',
    '2026-03-31T22:00:00.000Z',
    31 * 24 - 1,
  ]);
  assert.deepEqual(hours('Europe/Berlin', '1y', '2025-12-31T23:30:00Z'), [
    '2025-12-31T23:00:00.000Z',
    '2026-12-31T23:00:00.000Z',
    365 * 24,
  ]);
  assert.deepEqual(hours('America/Los_Angeles', '1d', '2026-01-01T05:00:00Z').slice(0, 1), [
    '2025-12-31T08:00:00.000Z',
  ]);
});

test('the day on which clocks are put forward has 23 hours, the one on which they are put back 25', () => {
  assert.deepEqual(hours('Europe/Berlin', '1d', '2026-03-29T12:00:00Z'), [
    '2026-03-28T23:00:00.000Z',
    '2026-03-29T22:00:00.000Z',
    23,
  ]);
  assert.deepEqual(hours('Europe/Berlin', '1d', '2026-10-25T12:00:00Z'), [
    '2026-10-24T22:00:00.000Z',
    '2026-10-25T23:00:00.000Z',
    25,
  ]);
  // The hour that the clocks show twice is two hours.
  assert.deepEqual(hours('Europe/Berlin', '1h', '2026-10-25T00:30:00Z').slice(0, 1), ['2026-10-25T00:00:00.000Z']);
  assert.deepEqual(hours('Europe/Berlin', '1h', '2026-10-25T01:30:00Z').slice(0, 1), ['2026-10-25T01:00:00.000Z']);
});

test('zones that change at midnight, and zones of half hours', () => {
  // In Cairo the day of 2026-04-24 begins at 01:00, since midnight is skipped.
  const [start, end, length] = hours('Africa/Cairo', '1d', '2026-04-24T12:00:00Z');
  assert.deepEqual([start, end, length], ['2026-04-23T22:00:00.000Z', '2026-04-24T21:00:00.000Z', 23]);
  // In Havana midnight comes twice on 2026-11-01: the first counts.
  assert.deepEqual(hours('America/Havana', '1d', '2026-11-01T12:00:00Z'), [
    '2026-11-01T04:00:00.000Z',
    '2026-11-02T05:00:00.000Z',
    25,
  ]);
  assert.deepEqual(hours('Asia/Kolkata', '1h', '2026-03-01T12:10:00Z'), [
    '2026-03-01T11:30:00.000Z',
    '2026-03-01T12:30:00.000Z',
    1,
  ]);
});

test('windows of a size follow one another without a gap, and each holds its own start', () => {
  const zones = [
    'UTC',
    'Europe/Berlin',
    'America/New_York',
    'America/Havana',
    'Africa/Cairo',
    'Asia/Kolkata',
    'Pacific/Auckland',
    'America/Sao_Paulo',
    'Australia/Lord_Howe',
    'America/St_Johns',
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...zones),
      fc.constantFrom(...windowSizes),
      fc.integer({ min: Date.parse('1995-01-01'), max: Date.parse('2040-01-01') }),
      (zone, size, at) => {
        const calendar = createCalendar(zone);
        const window = calendar.windowOf(size, at);
        assert.ok(window.start <= at && at < window.end);
        assert.deepEqual(createCalendar(zone).windowOf(size, window.start), window);
        assert.deepEqual(createCalendar(zone).windowOf(size, window.end - 1), window);
        assert.equal(createCalendar(zone).windowOf(size, window.end).start, window.end);
      },
    ),
    { numRuns: 500 },
  );
});

test('where the clocks move by half an hour, the hour is cut there', () => {
  const lordHowe = createCalendar('Australia/Lord_Howe');
  const hours = (from: string, count: number): string[] => {
    const found: string[] = [];
    for (let at = Date.parse(from); found.length < count; ) {
      const { start, end } = lordHowe.windowOf('1h', at);
      found.push(new Date(start).toISOString().slice(11, 16));
      at = end;
    }
    return found;
  };
  assert.deepEqual(hours('2026-04-04T13:10:00Z', 4), ['13:00', '14:00', '15:00', '15:30']);
  assert.deepEqual(hours('2026-10-03T14:40:00Z', 4), ['14:30', '15:30', '16:00', '17:00']);
});

test('a zone that nobody knows is an error', () => {
  assert.throws(() => createCalendar('Mars/Olympus'), RangeError);
});
