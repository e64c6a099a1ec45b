import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeClock } from '../support/clock.ts';
import { fill, numbers, range, takeAll, work, workIn, workOut } from '../support/spool.ts';

test('live-first: the ten newest of a backlog first, then what comes, and the rest at --drain-rate behind it', async () => {
  const clock = fakeClock();
  const before = await workIn();
  await fill(before, 1, 100);
  await before.close();
  const spool = await work({ folder: before.folder, clock, order: 'live-first', drainRate: 5 });
  assert.deepEqual(numbers(await takeAll(spool)), range(91, 100));
  assert.ok(spool.feed.wait! > 0 && spool.feed.wait! <= 200);
  await clock.advance(1000);
  assert.deepEqual(numbers(await takeAll(spool)), range(1, 5));
  await fill(spool, 101, 103);
  assert.deepEqual(numbers(await takeAll(spool)), [101, 102, 103]);
  await clock.advance(60_000);
  assert.deepEqual(numbers(await takeAll(spool)), range(6, 10), 'never more than a second of it together');
  for (let i = 0; i < 16; i++) {
    await clock.advance(1000);
    assert.equal((await takeAll(spool)).length, 5);
  }
  assert.ok(spool.feed.isDrained());
  assert.equal(spool.backlog(), 0);
  await spool.close();
});

test('live-first: each record is delivered once, over restarts in the middle of the backlog', async () => {
  const clock = fakeClock();
  const got: unknown[] = [];
  const first = await workIn({ maxBytes: 1024 * 1024 });
  const { folder } = first;
  await fill(first, 1, 900, 500);
  await first.close();
  for (let life = 0; life < 4; life++) {
    const spool = await work({ folder, clock, order: 'live-first', drainRate: 40, maxBytes: 1024 * 1024 });
    const from = 901 + life * 20;
    got.push(...numbers(await takeAll(spool)));
    await fill(spool, from, from + 19, 500);
    await clock.advance(1000);
    got.push(...numbers(await takeAll(spool)));
    await spool.close();
  }
  const last = await work({ folder, order: 'fifo', maxBytes: 1024 * 1024 });
  got.push(...numbers(await takeAll(last)));
  assert.equal(last.backlog(), 0);
  await last.close();
  assert.equal(got.length, 980);
  assert.deepEqual(
    got.toSorted((a, b) => (a as number) - (b as number)),
    range(1, 980),
  );
});

test('live-first: delivered segments in the middle are removed, so that a slow backlog does not fill the spool with them', async () => {
  const clock = fakeClock();
  const spool = await work({ clock, order: 'live-first', drainRate: 1, maxBytes: 1024 * 1024 });
  await fill(spool, 1, 300, 1000);
  await spool.feed.rewind();
  for (let n = 301; n <= 3000; n += 100) {
    await fill(spool, n, n + 99, 1000);
    await takeAll(spool);
    await spool.keeper.save();
  }
  assert.deepEqual(spool.dropped, []);
  assert.ok(spool.backlog() > 200 && spool.backlog() <= 300);
  await spool.close();
});

test('live-first: after a reader that took nothing for a while, the newest come next and what was passed over is backlog', async () => {
  const clock = fakeClock();
  const spool = await work({ clock, order: 'live-first', drainRate: 1000 });
  await fill(spool, 1, 2);
  assert.deepEqual(numbers(await takeAll(spool)), [1, 2]);
  await fill(spool, 3, 50);
  await spool.feed.interrupted();
  assert.deepEqual(numbers(await takeAll(spool)), range(41, 50));
  await clock.advance(1000);
  assert.deepEqual(numbers(await takeAll(spool)), range(3, 40));
  await spool.close();
});

test('fifo: what was not acknowledged comes again after a rewind, and nothing else', async () => {
  const spool = await work();
  await fill(spool, 1, 9);
  await takeAll(spool, false);
  spool.keeper.delivered(1, 4);
  await fill(spool, 10, 11);
  await spool.feed.rewind();
  assert.deepEqual(numbers(await takeAll(spool)), range(5, 11));
  await spool.close();
});

test('another process that reads live-first finds the newest on disk', async () => {
  const inlet = await workIn({ maxBytes: 1024 * 1024 });
  await fill(inlet, 1, 800, 500);
  const clock = fakeClock();
  const out = await workOut({ folder: inlet.folder, clock, order: 'live-first', drainRate: 100 });
  assert.deepEqual(numbers(await takeAll(out)), range(791, 800));
  await fill(inlet, 801, 802, 500);
  assert.deepEqual(numbers(await takeAll(out)), [801, 802]);
  await clock.advance(1000);
  assert.deepEqual(numbers(await takeAll(out)), range(1, 100));
  await out.close();
  await inlet.close();
});
