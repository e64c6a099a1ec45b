import assert from 'node:assert/strict';
import { appendFileSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { showSpool, type spoolMetrics } from '../../src/commands/spool-flow.ts';
import { type Disk, disk } from '../../src/spool/disk.ts';
import { createIndex } from '../../src/spool/index.ts';
import { survey, verify } from '../../src/spool/inspect.ts';
import { newestOnDisk } from '../../src/spool/newest.ts';
import { drop } from '../../src/spool/repair.ts';
import { fakeClock } from '../support/clock.ts';
import { cursorIn, fill, logFiles, numbers, range, takeAll, takeOut, work, workIn, workOut } from '../support/spool.ts';

const mib = 1024 * 1024;
const sum = (list: readonly { count: number }[]): number => list.reduce((all, { count }) => all + count, 0);

test('what was given up waits no longer, and what was delivered before was not given up', async () => {
  const spool = await work({ maxBytes: mib });
  await fill(spool, 1, 500, 1000);
  const first = await spool.feed.next();
  assert.ok(first!.last > 1 && first!.last < 500);
  spool.keeper.delivered(1, 50);
  await spool.keeper.save();
  await fill(spool, 501, 2500, 1000);
  const given = sum(spool.dropped);
  const { backlog, dropped, newest } = survey(disk, spool.folder);
  assert.ok(given > 1000);
  assert.deepEqual([newest, dropped, backlog], [2500, given, 2450 - given]);
  assert.equal(spool.backlog(), backlog);
  await spool.close();
  const outlet = await workOut({ folder: spool.folder });
  assert.equal(outlet.backlog(), backlog);
  const out = numbers(await takeAll(outlet));
  assert.deepEqual([out[0], out.length - 1], [`gap ${given}`, backlog]);
  assert.equal(survey(disk, spool.folder).backlog, 0);
  await outlet.close();
});

/** A spool of 1000 records of which ten in the middle and the ten newest are delivered, as live-first does it. */
async function deliveredAbove(): Promise<string> {
  const spool = await work({ maxBytes: 2 * mib });
  await fill(spool, 1, 1000, 1000);
  spool.keeper.delivered(501, 510);
  spool.keeper.delivered(991, 1000);
  await spool.close();
  rmSync(join(spool.folder, 'cursor.now'));
  return spool.folder;
}

test('spool drop counts what nobody had, and no more', async () => {
  const folder = await deliveredAbove();
  assert.equal(await drop(disk, folder, 0), 980);
  assert.equal(survey(disk, folder).backlog, 0);
  assert.equal(logFiles(folder).length, 1);
});

test('spool drop --keep leaves the newest, and of those none is delivered again', async () => {
  const folder = await deliveredAbove();
  assert.equal(await drop(disk, folder, 100), 890);
  assert.deepEqual(cursorIn(folder), { upTo: 900, ranges: [[991, 1000]] });
  assert.deepEqual(await takeOut(folder), range(901, 990));
});

test('of a segment that is dropped, only what nobody had counts as dropped', async () => {
  const folder = await deliveredAbove();
  const inlet = await workIn({ folder, maxBytes: mib });
  await fill(inlet, 1001, 1010, 1000);
  await inlet.close();
  const { backlog, dropped } = survey(disk, folder);
  assert.equal(sum(inlet.dropped), dropped);
  assert.equal(dropped + backlog, 990);
});

test('spool_oldest_age_seconds is of what waits, not of what is delivered and kept', async () => {
  const clock = fakeClock(Date.now());
  const spool = await work({ maxBytes: mib, keepSent: 86_400_000, clock });
  await fill(spool, 1, 200, 1000);
  await takeAll(spool);
  await spool.keeper.save();
  const seconds = clock.now() / 1000 - 10_800;
  for (const file of logFiles(spool.folder).slice(0, -1)) utimesSync(file, seconds, seconds);
  spool.index.refresh();
  await fill(spool, 201, 400, 1000);
  await clock.advance(3000);
  const shown = new Map<string, number>();
  const gauge = (name: string) => ({ set: (value: number) => void shown.set(name, value), add() {} });
  const gauges = Object.fromEntries(
    ['backlog', 'bytes', 'segments', 'age', 'syncs', 'syncing'].map((name) => [name, gauge(name)]),
  );
  const stop = showSpool(
    { clock } as unknown as Parameters<typeof showSpool>[0],
    { gauges } as unknown as ReturnType<typeof spoolMetrics>,
    spool,
  );
  assert.equal(shown.get('backlog'), 200);
  assert.ok(shown.get('age')! >= 3 && shown.get('age')! < 60, `${shown.get('age')}`);
  stop();
  await spool.close();
});

test('verify reads segments through one buffer, and the newest number is found at the end: no segment is loaded whole', async () => {
  const spool = await work({ segmentBytes: 1024 * 1024, maxBytes: 64 * mib });
  await fill(spool, 1, 4000, 1000);
  await spool.close();
  let loaded = 0;
  let peeked = 0;
  const counting: Disk = {
    ...disk,
    load(path) {
      const bytes = disk.load(path);
      if (path.endsWith('.log')) loaded += bytes?.length ?? 0;
      return bytes;
    },
    peek(path, position, bytes) {
      peeked += bytes;
      return disk.peek(path, position, bytes);
    },
  };
  const index = createIndex(counting, spool.folder);
  peeked = 0;
  assert.equal(newestOnDisk(counting, index), 4000);
  assert.deepEqual([loaded, peeked < 256 * 1024], [0, true]);
  assert.deepEqual(await verify(counting, spool.folder), { records: 4000, faults: [] });
  assert.ok(loaded < 2 * mib, `${loaded}`);
});

test('the newest record is found behind one that is longer than the first look', async () => {
  const spool = await work({ whenFull: 'block' });
  await fill(spool, 1, 2, 300_000);
  await spool.close();
  const [file] = logFiles(spool.folder);
  appendFileSync(file!, `0a1b2c3d 3 ${'x'.repeat(200_000)}\n00`);
  const index = createIndex(disk, spool.folder);
  assert.equal(newestOnDisk(disk, index), 2);
});
