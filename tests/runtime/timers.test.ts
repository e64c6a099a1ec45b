import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VoltRecord } from '../../src/records/record.ts';
import { createQueue } from '../../src/runtime/queues.ts';
import { createTimers } from '../../src/runtime/timer-input.ts';
import type { TimerEvent, Timers } from '../../src/runtime/timers.ts';
import { fakeClock, settle } from '../support/clock.ts';

const start = Date.parse('2026-03-01T12:00:00.000Z');
const record = (second: number): VoltRecord => ({
  type: 'x',
  time: new Date(start + second * 1000).toISOString(),
  second,
});
const name = (event: TimerEvent): unknown => event.timer ?? event.record?.second;

/** A command at work on a live input: what it sees is noted. */
function live(onEvent: (timers: Timers, seen: unknown) => void = () => {}) {
  const clock = fakeClock(start);
  const input = createQueue({ max: 100, policy: 'pause' }, clock, () => {});
  const timers = createTimers(input, clock);
  const seen: unknown[] = [];
  const done = (async () => {
    for await (const event of timers) {
      seen.push(name(event));
      onEvent(timers, name(event));
    }
  })();
  return { clock, input, timers, seen, done };
}

async function replay(records: VoltRecord[], onEvent: (timers: Timers, seen: unknown) => void): Promise<unknown[]> {
  const timers = createTimers(
    (async function* () {
      yield* records;
    })(),
    fakeClock(start + 1e9),
  );
  const seen: unknown[] = [];
  for await (const event of timers) {
    seen.push(name(event));
    onEvent(timers, name(event));
  }
  return seen;
}

test('a record timer goes off by the time that a record tells it', async () => {
  const seen = await replay([record(1), record(30), record(31)], (timers, event) => {
    if (event === 1)
      timers.record('held', start + 10_000, (one) => (one['second'] === 30 ? Number.NaN : start + 10_000));
  });
  assert.deepEqual(seen, [1, 30, 'held', 31]);
});

test('a wall timer goes off while no record comes', async () => {
  const { clock, input, seen, done } = live((timers, event) => {
    if (event === 1) timers.wall('flush', 10_000);
  });
  input.push(record(1));
  await clock.advance(9_999);
  assert.deepEqual(seen, [1]);
  await clock.advance(1);
  assert.deepEqual(seen, [1, 'flush']);
  input.push(record(2));
  await settle();
  assert.deepEqual(seen, [1, 'flush', 2]);
  input.end();
  await done;
});

test('setting a timer again moves it, cancelling it silences it', async () => {
  const { clock, input, timers, seen, done } = live();
  await settle();
  timers.wall('a', 1000);
  timers.wall('b', 1000);
  await clock.advance(999);
  timers.wall('a', 1000);
  timers.cancel('b');
  await clock.advance(999);
  assert.deepEqual(seen, []);
  assert.deepEqual(timers.pending(), ['a']);
  await clock.advance(1);
  assert.deepEqual(seen, ['a']);
  assert.deepEqual(timers.pending(), []);
  input.end();
  await done;
});

test('a timer that is due but not yet told can still be cancelled', async () => {
  const clock = fakeClock(start);
  const input = createQueue({ max: 100, policy: 'pause' }, clock, () => {});
  const timers = createTimers(input, clock);
  const events = timers[Symbol.asyncIterator]();
  input.push(record(1));
  assert.equal(name((await events.next()).value!), 1);
  for (const one of ['a', 'b', 'c']) timers.wall(one, 1000);
  await clock.advance(2000);
  assert.deepEqual(timers.pending(), ['a', 'b', 'c']);
  timers.cancel('b');
  assert.equal(name((await events.next()).value!), 'a');
  assert.equal(name((await events.next()).value!), 'c');
});

test('several wall timers go off in the order of their times', async () => {
  const { clock, input, timers, seen, done } = live();
  await settle();
  timers.wall('late', 3000);
  timers.wall('early', 1000);
  await clock.advance(5000);
  assert.deepEqual(seen, ['early', 'late']);
  input.end();
  await done;
});

test('a record timer goes off before the first record at or after its time, whatever the wall clock says', async () => {
  const seen = await replay([record(0), record(5), record(10), record(11)], (timers, event) => {
    if (event === 0) timers.record('hold', start + 10_000);
  });
  assert.deepEqual(seen, [0, 5, 'hold', 10, 11]);
});

test('record timers go off in the order of their times, and one may set the next', async () => {
  const seen = await replay([record(0), record(100)], (timers, event) => {
    if (event === 0) {
      timers.record('b', start + 20_000);
      timers.record('a', start + 10_000);
    }
    if (event === 'a') timers.record('c', start + 30_000);
    if (event === 'b') timers.record('never', start + 101_000);
  });
  assert.deepEqual(seen, [0, 'a', 'b', 'c', 100]);
});

test('a replay gives what the live stream gave', async () => {
  const records = [0, 3, 9, 10, 31, 32].map(record);
  const rule = (timers: Timers, event: unknown): void => {
    if (typeof event === 'number') timers.record('window', start + (Math.floor(event / 10) + 1) * 10_000);
  };
  const replayed = await replay(records, rule);
  const { clock, input, seen, done } = live(rule);
  for (const one of records) {
    input.push(one);
    await clock.advance(60_000);
  }
  input.end();
  await done;
  assert.deepEqual(replayed, [0, 3, 9, 'window', 10, 'window', 31, 32]);
  assert.deepEqual(seen, replayed);
});

test('a record without a time sets off no record timer', async () => {
  const seen = await replay([record(0), { type: 'x', second: 'timeless' }, record(20)], (timers, event) => {
    if (event === 0) timers.record('t', start + 10_000);
  });
  assert.deepEqual(seen, [0, 'timeless', 't', 20]);
});

test('at the end of input nothing goes off, and what was pending is known, wall and record alike', async () => {
  const { clock, input, timers, seen, done } = live((all, event) => {
    if (event === 1) {
      all.wall('flush', 10_000);
      all.record('hold', start + 10_000);
    }
  });
  input.push(record(1));
  await settle();
  input.end();
  await done;
  assert.deepEqual([...timers.pending()].sort(), ['flush', 'hold']);
  await clock.advance(60_000);
  assert.deepEqual(seen, [1]);
  assert.equal(clock.waiting, 0, 'no timer is left running');
  timers.cancel('flush');
  assert.deepEqual(timers.pending(), ['hold']);
});

test('a failing input fails the iteration', async () => {
  const { input, done } = live();
  input.fail(new Error('gone'));
  await assert.rejects(done, /gone/);
});
