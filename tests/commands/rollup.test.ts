import assert from 'node:assert/strict';
import { mkdtempSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { command } from '../../src/commands/rollup.ts';
import type { VoltRecord } from '../../src/records/record.ts';
import { seededRandom } from '../../src/simulators/random.ts';
import { fakeClock } from '../support/clock.ts';
import { runCommand } from '../support/command.ts';
import { openInput } from '../support/open-input.ts';
import { turned } from '../support/turned.ts';

const reading = (time: string, voltage: number, more: object = {}): VoltRecord => ({
  type: 'battery_reading',
  time: time.length === 24 ? time : `2026-03-01T${time}.000Z`,
  device_id: 'X',
  voltage,
  ...more,
});

const flags = { tz: 'UTC' };
const rolled = async (input: VoltRecord[], sizes: string, more: object = {}): Promise<VoltRecord[]> => {
  const { records, status, error } = await runCommand(command, { input, args: [sizes], flags: { ...flags, ...more } });
  assert.equal(status, 0, error?.message);
  return records;
};
/** What a database holds in the end: the last record of each type, time and subject. */
const stored = (records: readonly VoltRecord[]): Map<string, VoltRecord> =>
  new Map(records.map((record) => [`${record.type} ${record.time} ${record.device_id}`, record]));

test('an hour has count, sum, minimum, maximum, mean, first and last of each number, and the identity of its readings', async () => {
  const records = await rolled(
    [
      reading('12:10:00', 12.5, {
        device_name: 'Starter',
        cells: [3, 3.1],
        state_of_charge: 80,
        charge_enabled: true,
        firmware: 'x',
      }),
      reading('12:20:00', 12.9, { device_name: 'Starter', cells: [3.2, 3.3] }),
      reading('12:59:59', 12.1, { device_name: 'Starter' }),
    ],
    '1h',
  );
  assert.deepEqual(records, [
    {
      type: 'battery_reading_1h',
      time: '2026-03-01T12:00:00.000Z',
      device_id: 'X',
      device_name: 'Starter',
      n: 3,
      ...{
        voltage_n: 3,
        voltage_sum: 37.5,
        voltage_min: 12.1,
        voltage_max: 12.9,
        voltage_mean: 12.5,
        voltage_first: 12.5,
        voltage_last: 12.1,
      },
      ...{
        cell_1_n: 2,
        cell_1_sum: 6.2,
        cell_1_min: 3,
        cell_1_max: 3.2,
        cell_1_mean: 3.1,
        cell_1_first: 3,
        cell_1_last: 3.2,
      },
      ...{
        cell_2_n: 2,
        cell_2_sum: 6.4,
        cell_2_min: 3.1,
        cell_2_max: 3.3,
        cell_2_mean: 3.2,
        cell_2_first: 3.1,
        cell_2_last: 3.3,
      },
      ...{
        state_of_charge_n: 1,
        state_of_charge_sum: 80,
        state_of_charge_min: 80,
        state_of_charge_max: 80,
        state_of_charge_mean: 80,
        state_of_charge_first: 80,
        state_of_charge_last: 80,
      },
    },
  ]);
});

test('a window is put out when the first reading after its end comes; each subject has windows of its own', async () => {
  const seen: [string | undefined, unknown][] = [];
  const input = [
    reading('12:10:00', 1),
    reading('12:20:00', 2, { device_id: 'Y' }),
    reading('13:00:00', 3),
    reading('13:01:00', 4, { device_id: 'Y' }),
  ];
  const { records } = await runCommand(command, {
    input,
    args: ['1h'],
    flags: { ...flags, pass: true },
    onItem: (item) => seen.push([(item as VoltRecord).type, (item as VoltRecord).device_id]),
  });
  assert.deepEqual(
    seen.map(([type, id]) => `${type} ${id}`),
    [
      'battery_reading X',
      'battery_reading Y',
      'battery_reading X',
      'battery_reading_1h X',
      'battery_reading Y',
      'battery_reading_1h Y',
      'battery_reading_1h X',
      'battery_reading_1h Y',
    ],
  );
  assert.equal(stored(records).size, 8);
});

test('a reading that comes late has its window put out again, corrected, with the same time and identity', async () => {
  const records = await rolled(
    [
      reading('12:10:00', 10),
      reading('13:10:00', 20),
      reading('12:50:00', 14),
      reading('12:05:00', 9),
      reading('14:00:00', 1),
    ],
    '1h',
  );
  const noon = records.filter(({ time }) => time === '2026-03-01T12:00:00.000Z');
  assert.deepEqual(
    noon.map(({ voltage_n }) => voltage_n),
    [1, 3],
  );
  const { voltage_sum, voltage_min, voltage_first, voltage_last } = noon.at(-1)!;
  assert.deepEqual([voltage_sum, voltage_min, voltage_first, voltage_last], [33, 9, 9, 14]);
});

test('a reading that comes too late for its window is left out and counted, and never makes a window of its own', async () => {
  const input = [reading('08:10:00', 10), reading('12:30:00', 20), reading('08:20:00', 99)];
  const { records, log } = await runCommand(command, { input, args: ['1h,1d'], flags });
  const eight = records.filter(({ time, type }) => time === '2026-03-01T08:00:00.000Z' && type.endsWith('1h'));
  assert.deepEqual(
    eight.map(({ n }) => n),
    [1],
  );
  assert.equal(records.findLast(({ type }) => type.endsWith('1d'))?.n, 3, 'the day is still open');
  assert.match(log.join('\n'), /1 reading came too late/);
});

test('readings that are delivered twice, in a row or in a block, count once', async () => {
  const block = [reading('12:10:00', 1), reading('12:20:00', 2), reading('12:30:00', 3)];
  const [record] = await rolled([...block, block[2]!, ...block], '1h');
  assert.deepEqual([record?.n, record?.voltage_n, record?.voltage_sum], [3, 3, 6]);
});

test('readings that are delivered twice count once as far back as the manual says', async () => {
  const [, said] = /the moments of the last (\d+) readings/.exec(JSON.stringify(command.sections)) ?? [];
  const at = (second: number): string => new Date(Date.parse('2026-03-01T12:00:00Z') + second * 1000).toISOString();
  const once = Array.from({ length: 1100 }, (_, second) => reading(at(second), 1));
  for (const length of [300, 512, 513, 900, 1100]) {
    const first = once.slice(0, length);
    const [record] = await rolled([...first, ...first.slice(-Number(said))], '1h');
    assert.equal(record?.n, length);
  }
});

test('days of a time zone: 23 and 25 hours', async () => {
  for (const [from, count] of [
    ['2026-03-28T23:00:00.000Z', 23],
    ['2026-10-24T22:00:00.000Z', 25],
  ] as const) {
    const input = Array.from({ length: 30 }, (_, hour) =>
      reading(new Date(Date.parse(from) + hour * 3_600_000).toISOString(), hour),
    );
    const [day] = await rolled(input, '1d', { tz: 'Europe/Berlin' });
    assert.deepEqual([day?.time, day?.n], [from, count]);
  }
});

test('weeks, months and years: a rollup of rollups is what a rollup of the readings is (HAWK-107)', async () => {
  const random = seededRandom(7);
  const start = Date.parse('2025-12-20T00:00:00Z');
  const input = Array.from({ length: 2000 }, (_, i) =>
    reading(
      new Date(start + i * 1_800_000 + Math.floor(random() * 60_000)).toISOString(),
      Number((12 + random()).toFixed(3)),
      { device_id: i % 3 === 0 ? 'Y' : 'X' },
    ),
  );
  // A reading in fifty comes an hour late.
  const late = input.filter((_, i) => i % 50 === 10);
  const order = input
    .filter((_, i) => i % 50 !== 10)
    .flatMap((record, i) => (i % 49 === 12 && late.length > 0 ? [record, late.shift()!] : [record]))
    .concat(late);
  const zone = { tz: 'Europe/Berlin' };
  const direct = stored(await rolled(order, '1d,1mo,1y', zone));
  const hours = await rolled(order, '1h', zone);
  const days = await rolled(hours, '1d', zone);
  const months = await rolled(days, '1mo', zone);
  const years = await rolled(months, '1y', zone);
  const chained = stored([...days, ...months, ...years]);
  assert.ok(hours.length > stored(hours).size, 'some hours are said twice');
  assert.deepEqual([...chained.keys()].sort(), [...direct.keys()].sort());
  for (const [key, record] of direct) {
    const other = chained.get(key)!;
    for (const [name, value] of Object.entries(record)) {
      if (typeof value !== 'number') assert.equal(other[name], value, key);
      else
        assert.ok(
          Math.abs(Number(other[name]) - value) <= Math.abs(value) * 1e-11,
          `${key} ${name}: ${other[name]} for ${value}`,
        );
    }
  }
});

test('state: a restart in the middle of an hour loses nothing and counts nothing twice', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'voltpipe-test-'));
  const run = (input: VoltRecord[], more: object = {}) =>
    runCommand(command, { input, args: ['1h,1d'], flags: { ...flags, state: 'x', ...more }, dataDir });
  const first = await run([reading('12:10:00', 1), reading('12:20:00', 2)]);
  assert.deepEqual(
    first.records.map(({ n }) => n),
    [2, 2],
  );
  assert.equal(first.delivered, 2);
  const second = await run([reading('12:20:00', 2), reading('12:40:00', 6), reading('13:00:00', 0)]);
  const noon = second.records.find(({ type, time }) => type.endsWith('1h') && time === '2026-03-01T12:00:00.000Z');
  assert.deepEqual([noon?.voltage_n, noon?.voltage_sum, noon?.voltage_mean], [3, 9, 3]);
  assert.equal(second.records.findLast(({ type }) => type.endsWith('1d'))?.n, 4);
  const other = await run([], { tz: 'Europe/Berlin' });
  assert.equal(other.status, 78);
  assert.match(other.error?.message ?? '', /its windows are those of UTC/);
});

test('state: a second command with the same name is told who has it (75), one with another name is not', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'voltpipe-test-'));
  const input = openInput();
  const run = (state: string, more: object) =>
    runCommand(command, { args: ['1h'], flags: { ...flags, state }, dataDir, ...more });
  let isUp = (): void => {};
  const up = new Promise<void>((resolve) => {
    isUp = resolve;
  });
  const first = run('x', { input, onItem: isUp });
  // It has its lock before it puts anything out.
  input.push(reading('12:10:00', 1), reading('13:10:00', 1));
  await up;
  const second = await run('x', { input: [] });
  assert.equal(second.status, 75);
  assert.match(second.error?.message ?? '', /process \d+/);
  assert.equal((await run('y', { input: [] })).status, 0);
  input.end();
  assert.equal((await first).status, 0);
});

test('an open window is put out every --emit-every while it changes', async () => {
  const world = turned(command, { args: ['1h'], flags: { ...flags, emitEvery: '1m' } });
  world.put(reading('12:10:00', 1));
  await world.until(() => world.records.length === 1);
  world.put(reading('12:11:00', 2));
  await world.until(() => world.records.length === 2);
  await world.clock.advance(600_000);
  world.end();
  const { records } = await world.finished();
  assert.deepEqual(
    records.map(({ n }) => n),
    [1, 2],
  );
});

test('records of other types or without a time pass untouched', async () => {
  const others: VoltRecord[] = [
    { type: 'gap', time: reading('12:00:00', 1).time!, source: 'x', count: 3 },
    { type: 'battery_reading', device_id: 'X', voltage: 1 },
    { type: 'battery_reading_1d', time: '2026-03-01T00:00:00.000Z', device_id: 'X', n: 1 },
  ];
  assert.deepEqual(await rolled(others, '1h'), others);
});

test('memory is bounded: the subject that was silent longest is put out and forgotten', async () => {
  const input = Array.from({ length: 50 }, (_, i) => reading('12:10:00', i, { device_id: String(i) }));
  const { records } = await runCommand(command, { input, args: ['1h'], flags: { ...flags, maxSeries: '10' } });
  assert.equal(stored(records).size, 50);
});

test('a size or a zone that there is not is a usage error', async () => {
  assert.equal((await runCommand(command, { args: ['2h'], flags })).status, 64);
  assert.equal((await runCommand(command, { args: ['1h'], flags: { tz: 'Mars/Olympus' } })).status, 64);
});

test('a reading without a field that is wanted is no record of its own: it goes out with --pass alone', async () => {
  const input = [reading('12:00:00', 1), reading('12:01:00', 2, { current: 3 }), reading('12:02:00', 3)];
  const records = await rolled(input, '1h', { fields: ['current'] });
  assert.deepEqual(
    records.map(({ type, n, current_sum }) => [type, n, current_sum]),
    [['battery_reading_1h', 1, 3]],
  );
  const bare = { type: 'battery_reading', time: reading('12:00:00', 1).time!, device_id: 'X', firmware: 'x' };
  assert.deepEqual(await rolled([bare], '1h'), []);
  assert.deepEqual(await rolled([bare], '1h', { pass: true }), [bare]);
});

test('a reading ahead of the clock has a window of its own, and makes no other one late', async () => {
  const day = (date: string): VoltRecord => reading(`${date}T12:00:00.000Z`, 1);
  const dates = ['2026-03-01', '2099-01-01', '2026-03-02', '2099-01-02', '2026-03-03'];
  const clock = fakeClock(Date.parse('2026-04-01T00:00:00Z'));
  const { records, log } = await runCommand(command, { clock, input: dates.map(day), args: ['1d'], flags });
  assert.deepEqual(
    [...stored(records).values()].map(({ time, n }) => `${time?.slice(0, 10)} ${n}`).sort(),
    dates.map((date) => `${date} 1`).sort(),
  );
  assert.match(log.join('\n'), /ahead of the clock/);
  assert.doesNotMatch(log.join('\n'), /too late/);
});

test('a clock that was wrong and is right again makes no reading late', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'voltpipe-test-'));
  const run = async (now: string, times: string[]): Promise<VoltRecord[]> => {
    const { records } = await runCommand(command, {
      clock: fakeClock(Date.parse(now)),
      input: times.map((time) => reading(time, 1)),
      args: ['1d'],
      flags: { ...flags, state: 'x' },
      dataDir,
    });
    return records;
  };
  await run('2099-01-01T00:00:00Z', ['2026-03-01T12:00:00.000Z', '2099-01-01T00:00:00.000Z']);
  const records = await run('2026-03-02T13:00:00Z', ['2026-03-02T12:30:00.000Z', '2026-03-02T12:40:00.000Z']);
  assert.deepEqual([records.at(-1)?.time, records.at(-1)?.n], ['2026-03-02T00:00:00.000Z', 2]);
});

test('readings and their rollups, or rollups of two sizes, in one stream count once', async () => {
  const input = ['11:10:00', '11:20:00', '12:10:00', '13:10:00'].map((time) => reading(time, 2));
  const direct = await rolled(input, '1d');
  for (const more of [{ pass: true }, {}]) {
    const smaller = await rolled(input, more.pass ? '1h' : '1h,1d', more);
    const months = await rolled(smaller, more.pass ? '1d' : '1mo');
    const [{ n, voltage_sum } = { n: 0, voltage_sum: 0 }] = months
      .filter(({ type }) => /_1(d|mo)$/.test(type))
      .slice(-1);
    assert.deepEqual([n, voltage_sum], [direct.at(-1)?.n, direct.at(-1)?.voltage_sum]);
  }
});

test('an hour that comes when it is long over still counts once, and a correction of it no longer', async () => {
  const hours = await rolled(
    Array.from({ length: 40 }, (_, hour) =>
      reading(new Date(Date.parse('2026-03-01T00:30:00Z') + hour * 3_600_000).toISOString(), 1),
    ),
    '1h',
  );
  const hour = (at: number): VoltRecord =>
    hours.find(({ time }) => time === new Date(Date.parse('2026-03-01T00:00:00Z') + at * 3_600_000).toISOString())!;
  const order = [0, 1, 2, 30, 3, 31, 3, 1, 39].map(hour);
  const { records, log } = await runCommand(command, { input: order, args: ['1mo'], flags });
  assert.deepEqual([records.at(-1)?.n, records.at(-1)?.voltage_sum], [7, 7]);
  assert.match(log.join('\n'), /2 readings came too late/);
});

test('--fields holds for rollups that are read, too', async () => {
  const hours = await rolled([reading('12:00:00', 1, { current: 3 }), reading('12:01:00', 2)], '1h');
  const [day] = await rolled(hours, '1d', { fields: ['current'] });
  assert.deepEqual([day?.n, day?.current_sum, day?.voltage_sum], [1, 3, undefined]);
});

test('a field may have any name, and a sum beyond all numbers is left out', async () => {
  const odd = JSON.parse('{"constructor":5,"toString":6,"__proto__":7,"huge":1.7e308}') as object;
  const input = [{ ...reading('12:00:00', 1), ...odd }, reading('12:01:00', 1, { huge: 1.7e308 })];
  const dataDir = mkdtempSync(join(tmpdir(), 'voltpipe-test-'));
  const run = (records: VoltRecord[]) =>
    runCommand(command, { input: records, args: ['1h'], flags: { ...flags, state: 'x' }, dataDir });
  const [first] = (await run(input)).records;
  const [again] = (await run([reading('12:02:00', 1)])).records;
  for (const hour of [first, again]) {
    assert.deepEqual([hour?.constructor_sum, hour?.toString_sum], [5, 6]);
    assert.deepEqual(
      [hour?.huge_n, hour?.huge_sum, hour?.huge_mean, hour?.huge_max],
      [2, undefined, undefined, 1.7e308],
    );
  }
  assert.equal('n' in Object, false);
});

test('a year of hours takes no more state than its last hours', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'voltpipe-test-'));
  const fields = Object.fromEntries(
    Array.from({ length: 20 }, (_, i) =>
      ['n', 'sum', 'min', 'max', 'mean', 'first', 'last'].map((part) => [`f${i}_${part}`, 1]),
    ).flat(),
  );
  const hours = Array.from({ length: 8000 }, (_, hour) => ({
    type: 'battery_reading_1h',
    time: new Date(Date.parse('2025-01-01T00:00:00Z') + hour * 3_600_000).toISOString(),
    device_id: 'X',
    n: 1,
    ...fields,
  }));
  const { records } = await runCommand(command, {
    input: hours,
    args: ['1d,1mo,1y'],
    flags: { ...flags, state: 'x' },
    dataDir,
  });
  assert.equal(records.findLast(({ type }) => type.endsWith('1y'))?.n, 8000);
  assert.ok(statSync(join(dataDir, 'rollup-x.json')).size < 100_000);
});
