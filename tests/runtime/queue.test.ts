import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { VoltRecord } from '../../src/records/record.ts';
import type { QueueOptions } from '../../src/runtime/queue.ts';
import { createQueue } from '../../src/runtime/queues.ts';
import { fakeClock } from '../support/clock.ts';

const start = Date.parse('2026-03-01T12:00:00.000Z');
const at = (n: number): string => new Date(start + n * 1000).toISOString();
const record = (n: number): VoltRecord => ({ type: 'x', time: at(n), n });

function queue(options: Partial<QueueOptions>) {
  const dropped: VoltRecord[] = [];
  const clock = fakeClock(start);
  const made = createQueue({ max: 3, policy: 'drop-oldest', source: 'test', ...options }, clock, (one) =>
    dropped.push(one),
  );
  return { queue: made, dropped, clock };
}

async function all(items: AsyncIterable<VoltRecord>): Promise<VoltRecord[]> {
  const out: VoltRecord[] = [];
  for await (const item of items) out.push(item);
  return out;
}

test('what is pushed comes out in order, and the end comes after it', async () => {
  const { queue: q } = queue({});
  const reading = all(q);
  q.push(record(1));
  q.push(record(2));
  await Promise.resolve();
  q.push(record(3));
  q.end();
  assert.deepEqual(
    (await reading).map(({ n }) => n),
    [1, 2, 3],
  );
});

test('a full queue drops the oldest and tells the hole in its place: how many, from when to when', async () => {
  const { queue: q, dropped, clock } = queue({});
  for (let n = 1; n <= 7; n++) q.push(record(n));
  assert.equal(q.size, 3);
  await clock.advance(60_000);
  q.end();
  assert.deepEqual(await all(q), [
    {
      type: 'gap',
      time: at(60),
      source: 'test',
      from: at(1),
      to: at(4),
      count: 4,
      reason: 'queue full: the reader is too slow',
    },
    record(5),
    record(6),
    record(7),
  ]);
  assert.deepEqual(
    dropped.map(({ n }) => n),
    [1, 2, 3, 4],
  );
});

test('each hole is told where it is', async () => {
  const { queue: q } = queue({ max: 2 });
  const iterator = q[Symbol.asyncIterator]();
  const next = async () => (await iterator.next()).value as VoltRecord;
  for (let n = 1; n <= 3; n++) q.push(record(n));
  assert.equal((await next()).count, 1);
  assert.equal((await next()).n, 2);
  for (let n = 4; n <= 6; n++) q.push(record(n));
  const gap = await next();
  assert.deepEqual([gap.type, gap.count, gap.from, gap.to], ['gap', 2, at(3), at(4)]);
  assert.equal((await next()).n, 5);
});

test('a gap spans the earliest to the latest time, in whatever order records come', async () => {
  const { queue: q } = queue({ max: 1 });
  for (const n of [5, 2, 9, 4]) q.push(record(n));
  const gap = (await q[Symbol.asyncIterator]().next()).value as VoltRecord;
  assert.deepEqual([gap.count, gap.from, gap.to], [3, at(2), at(9)]);
});

test('records without a time fall into the hole at the time they were dropped', async () => {
  const { queue: q } = queue({ max: 1 });
  q.push({ type: 'x' });
  q.push({ type: 'x' });
  const gap = (await q[Symbol.asyncIterator]().next()).value as VoltRecord;
  assert.deepEqual([gap.from, gap.to], [at(0), at(0)]);
});

test('nothing is lost without being counted', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 5 }), fc.array(fc.boolean(), { maxLength: 60 }), async (max, steps) => {
      const { queue: q } = queue({ max });
      const iterator = q[Symbol.asyncIterator]();
      let pushed = 0;
      let out = 0;
      let last = 0;
      const take = async (): Promise<void> => {
        const item = (await iterator.next()).value as VoltRecord;
        if (item.type === 'gap') out += item.count as number;
        else {
          out++;
          assert.ok((item.n as number) > last);
          last = item.n as number;
          assert.equal(out, last, 'the gap stands where the records are missing');
        }
        assert.ok(q.size <= max);
      };
      for (const push of steps) {
        if (push) q.push(record(++pushed));
        else if (q.size > 0) await take();
      }
      q.end();
      while (out < pushed) await take();
      assert.equal((await iterator.next()).done, true);
    }),
  );
});

test('a pausing queue stops its producer when full, starts it at half, and drops nothing', async () => {
  const calls: string[] = [];
  const { queue: q, dropped } = queue({
    max: 4,
    policy: 'pause',
    onPause: () => calls.push('pause'),
    onResume: () => calls.push('resume'),
  });
  for (let n = 1; n <= 6; n++) q.push(record(n));
  assert.deepEqual(calls, ['pause']);
  const iterator = q[Symbol.asyncIterator]();
  for (let n = 1; n <= 3; n++) await iterator.next();
  assert.deepEqual(calls, ['pause']);
  await iterator.next();
  assert.deepEqual(calls, ['pause', 'resume']);
  q.push(record(7));
  q.push(record(8));
  assert.deepEqual(calls, ['pause', 'resume', 'pause']);
  q.end();
  const rest: unknown[] = [];
  for (let step = await iterator.next(); !step.done; step = await iterator.next()) rest.push(step.value.n);
  assert.deepEqual(rest, [5, 6, 7, 8]);
  assert.deepEqual(dropped, []);
});

test('a failure comes after what was in the queue', async () => {
  const { queue: q } = queue({});
  q.push(record(1));
  q.fail(new Error('broker gone'));
  const iterator = q[Symbol.asyncIterator]();
  assert.equal(((await iterator.next()).value as VoltRecord).n, 1);
  await assert.rejects(iterator.next(), /broker gone/);
});

test('what is still in the queue when its reader leaves, or comes later, is told as dropped', async () => {
  const { queue: q, dropped } = queue({});
  for (let n = 1; n <= 3; n++) q.push(record(n));
  for await (const _first of q) break;
  q.push(record(4));
  assert.deepEqual(
    dropped.map(({ n }) => n),
    [2, 3, 4],
  );
});

test('a queue ends with the work that fills it, after what it has put in, and throws what the work throws', async () => {
  for (const failure of [undefined, new Error('lost')]) {
    const { queue: q } = queue({});
    const work = async (): Promise<void> => {
      q.push(record(1));
      await Promise.resolve();
      q.push(record(2));
      if (failure) throw failure;
    };
    const over = q.endWith(work());
    const out: unknown[] = [];
    const reading = (async () => {
      for await (const { n } of q) out.push(n);
    })();
    if (failure) await assert.rejects(reading, failure);
    else await reading;
    await over;
    assert.deepEqual(out, [1, 2]);
  }
});
