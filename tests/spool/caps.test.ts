import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Disk, disk as realDisk } from '../../src/spool/disk.ts';
import { fakeClock } from '../support/clock.ts';
import { faultyDisk } from '../support/faulty-disk.ts';
import { until } from '../support/fixture.ts';
import {
  fill,
  logFiles,
  numbers,
  range,
  recordOf,
  spoolFolder,
  takeAll,
  takeOut,
  work,
  workIn,
  workOut,
} from '../support/spool.ts';

const mib = 1024 * 1024;
const sizeOf = (folder: string): number =>
  readdirSync(folder).reduce((sum, name) => sum + (name.endsWith('.log') ? statSync(join(folder, name)).size : 0), 0);
/** The disk, on a file system of 1000 MiB that has so much free. */
const withFree = (free: () => number): Disk => ({ ...realDisk, room: () => ({ free: free(), total: 1000 * mib }) });
const sum = (list: readonly { count: number }[]): number => list.reduce((all, { count }) => all + count, 0);

test('drop-oldest keeps to --max-bytes, counts what it drops, and a gap in its place says how many and of which time', async () => {
  const spool = await work({ maxBytes: mib });
  await fill(spool, 1, 3000, 1000);
  assert.ok(sizeOf(spool.folder) <= mib, `${sizeOf(spool.folder)}`);
  assert.equal(spool.accepted(), 3000);
  const [gap, ...rest] = await takeAll(spool);
  assert.equal(gap?.type, 'gap');
  const count = gap!.count as number;
  assert.deepEqual(numbers(rest), range(count + 1, 3000));
  assert.deepEqual(
    [gap?.from, gap?.to, gap?.reason, gap?.source],
    [recordOf(1).time, recordOf(count).time, 'the spool is full', 'spool'],
  );
  assert.equal(sum(spool.dropped), count);
  assert.ok(sizeOf(spool.folder) > mib * 0.7, 'not more is dropped than need be');
  await spool.close();
  assert.deepEqual(
    readdirSync(spool.folder).filter((name) => name.endsWith('.gap')),
    [],
    'a delivered gap goes',
  );
});

test('one warning a minute tells of drops', async () => {
  const clock = fakeClock();
  const spool = await work({ maxBytes: mib, clock });
  await fill(spool, 1, 3000, 1000);
  const warnings = (): string[] => spool.log.filter((line) => line.includes('undelivered records dropped'));
  assert.equal(warnings().length, 1);
  await clock.advance(60_000);
  await fill(spool, 3001, 4000, 1000);
  assert.equal(warnings().length, 2);
  await spool.close();
});

test('a gap survives a restart, and a long outage costs one file', async () => {
  const first = await workIn({ maxBytes: mib });
  await fill(first, 1, 2000, 1000);
  await first.close();
  const second = await workIn({ folder: first.folder, maxBytes: mib });
  await fill(second, 2001, 4000, 1000);
  await second.close();
  assert.equal(readdirSync(first.folder).filter((name) => name.endsWith('.gap')).length, 1);
  const out = await workOut({ folder: first.folder });
  const [gap, ...rest] = await takeAll(out);
  assert.equal(gap?.from, recordOf(1).time);
  assert.deepEqual(numbers(rest), range((gap!.count as number) + 1, 4000));
  await out.close();
});

test('records that are out when their segment is dropped can still be acknowledged, and no gap tells of them', async () => {
  const spool = await work({ maxBytes: mib });
  await fill(spool, 1, 500, 1000);
  const out = await takeAll(spool, false);
  assert.equal(out.length, 500);
  await fill(spool, 501, 1400, 1000);
  assert.ok(spool.dropped.length > 0);
  spool.keeper.delivered(1, 500);
  const later = await takeAll(spool);
  assert.deepEqual(numbers(later), range(501, 1400));
  assert.equal(spool.backlog(), 0);
  await spool.close();
});

test('drop-newest keeps the old and drops the new; where they are missing stands a gap', async () => {
  const spool = await work({ maxBytes: mib, whenFull: 'drop-newest' });
  await fill(spool, 1, 2000, 1000);
  assert.equal(spool.accepted(), 2000);
  const lost = sum(spool.dropped);
  assert.match(spool.log.join('\n'), /new records are dropped: the spool is full/);
  const out = await takeAll(spool);
  const gaps = out.filter(({ type }) => type === 'gap');
  const [gap] = gaps;
  assert.equal(
    gaps.reduce((all, { count }) => all + (count as number), 0),
    lost,
  );
  const first = out.indexOf(gap!);
  assert.deepEqual(numbers(out.slice(0, first)), range(1, first));
  assert.ok(first > 500, 'the old is kept');
  assert.deepEqual([gap?.from, gap?.to], [recordOf(first + 1).time, recordOf(first + (gap?.count as number)).time]);
  assert.equal(out.length, 2000 - lost + gaps.length);
  await spool.keeper.save();
  await fill(spool, 2001, 2010, 1000);
  assert.deepEqual(numbers(await takeAll(spool)), range(2001, 2010));
  assert.match(spool.log.join('\n'), /records are taken again/);
  await spool.close();
});

test('block makes the input wait until something is delivered, and loses nothing', async () => {
  const spool = await work({ maxBytes: mib, whenFull: 'block' });
  let given = 0;
  const feeding = (async () => {
    for (let n = 1; n <= 4000; n++) {
      const full = spool.writer.append(JSON.stringify(recordOf(n, 1000)));
      if (full) await full;
      given = n;
    }
    await spool.writer.flush();
  })();
  await until(() => spool.log.some((line) => line.includes('is full: input waits')));
  const stood = given;
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(given, stood);
  const got: unknown[] = [];
  while (got.length < 4000) {
    got.push(...numbers(await takeAll(spool)));
    await spool.keeper.save();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await feeding;
  assert.deepEqual(got, range(1, 4000));
  assert.deepEqual(spool.dropped, []);
  await spool.close();
});

test('block waits for another process too', async () => {
  const inlet = await workIn({ maxBytes: mib, whenFull: 'block' });
  const outlet = await workOut({ folder: inlet.folder });
  const feeding = fill(inlet, 1, 4000, 1000);
  const got: unknown[] = [];
  while (got.length < 4000) {
    got.push(...numbers(await takeAll(outlet)));
    await outlet.keeper.save();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await feeding;
  assert.deepEqual(got, range(1, 4000));
  await outlet.close();
  await inlet.close();
});

test('exit ends with 74, and what is there is kept', async () => {
  const spool = await work({ maxBytes: mib, whenFull: 'exit' });
  await assert.rejects(fill(spool, 1, 3000, 1000), { status: 74, message: /full$/ });
  const kept = numbers(await takeAll(spool));
  assert.deepEqual(kept, range(1, kept.length));
  assert.ok(kept.length > 500);
  await assert.rejects(spool.close(), { status: 74 });
});

test('--max-age gives up what is older, also when nothing comes, whatever the wall clock does meanwhile', async () => {
  const clock = fakeClock(Date.now());
  const spool = await work({ maxBytes: mib, maxAge: 3_600_000, clock });
  await fill(spool, 1, 10);
  await clock.advance(3_000_000);
  await fill(spool, 11, 12);
  await clock.advance(3_599_000);
  assert.deepEqual(spool.dropped, [], 'a segment is as old as its newest record');
  await clock.advance(10_000);
  await until(() => sum(spool.dropped) === 12, 'the drop');
  const out = await takeAll(spool);
  assert.deepEqual([out.length, out[0]?.count, out[0]?.reason], [1, 12, 'older than --max-age']);
  await fill(spool, 13, 13);
  assert.deepEqual(numbers(await takeAll(spool)), [13]);
  await spool.close();
});

test('--max-age gives up what is older also while --keep-sent keeps delivered records in front of it', async () => {
  const clock = fakeClock(Date.now());
  const spool = await work({ maxBytes: mib, maxAge: 3_600_000, keepSent: 36_000_000, clock });
  await fill(spool, 1, 500, 1000);
  await takeAll(spool);
  await spool.keeper.save();
  await fill(spool, 501, 510);
  const kept = logFiles(spool.folder).length;
  assert.ok(kept > 1);
  await clock.advance(3_700_000);
  await until(() => sum(spool.dropped) === 10, 'the drop');
  assert.equal(logFiles(spool.folder).length, kept - 1, 'what is kept stays');
  assert.equal(spool.dropped[0]?.reason, 'older than --max-age');
  await spool.close();
});

test('a segment from before the clock was set is no older than the one before it', async () => {
  const first = await workIn({ maxBytes: mib });
  await fill(first, 1, 400, 1000);
  await first.close();
  const files = logFiles(first.folder);
  assert.ok(files.length >= 3);
  utimesSync(files[1]!, new Date(0), new Date(0));
  const again = await workIn({ folder: first.folder, maxBytes: mib, maxAge: 3_600_000 });
  await fill(again, 401, 401);
  assert.deepEqual(again.dropped, []);
  await again.close();
});

test('--keep-sent keeps what is delivered until it is old enough, or room is needed', async () => {
  const clock = fakeClock(Date.now());
  const spool = await work({ maxBytes: mib, keepSent: 3_600_000, clock });
  await fill(spool, 1, 500, 1000);
  await takeAll(spool);
  await spool.keeper.save();
  const before = logFiles(spool.folder).length;
  assert.ok(before >= 4);
  await fill(spool, 501, 1250, 1000);
  assert.ok(sizeOf(spool.folder) <= mib);
  assert.deepEqual(numbers(await takeAll(spool)), range(501, 1250));
  assert.deepEqual(spool.dropped, [], 'what was kept made room');
  await spool.keeper.save();
  assert.ok(logFiles(spool.folder).length > 1);
  await clock.advance(3_700_000);
  await until(() => logFiles(spool.folder).length === 1);
  await spool.close();
});

test('a full spool whose cursor cannot be saved goes on: what is delivered goes, and nothing that nobody has', async () => {
  const clock = fakeClock();
  const disk = faultyDisk();
  const spool = await work({ disk, clock, maxBytes: mib });
  disk.fault = (step) => {
    if (step.startsWith('replace cursor')) throw Object.assign(new Error('EISDIR'), { code: 'EISDIR' });
  };
  for (let from = 1; from <= 3000; from += 100) {
    await fill(spool, from, from + 99, 1000);
    assert.deepEqual(numbers(await takeAll(spool)), range(from, from + 99));
  }
  assert.deepEqual(spool.dropped, []);
  await clock.advance(1000);
  assert.equal(spool.log.filter((line) => line.includes('may be sent again after a restart')).length, 1);
  disk.fault = () => {};
  await clock.advance(1000);
  await until(() => spool.log.some((line) => line.includes('the cursor is saved again')));
  await spool.close();
  const again = await work({ folder: spool.folder });
  assert.deepEqual(numbers(await takeAll(again)), []);
  await again.close();
});

test('with what is delivered and what is not in it, a full spool whose cursor cannot be saved drops by its policy', async () => {
  const clock = fakeClock();
  const disk = faultyDisk();
  const spool = await work({ disk, clock, maxBytes: mib });
  await fill(spool, 1, 500, 1000);
  await takeAll(spool);
  disk.fault = (step) => {
    if (step.startsWith('replace cursor')) throw Object.assign(new Error('EISDIR'), { code: 'EISDIR' });
  };
  await fill(spool, 501, 2500, 1000);
  const out = await takeAll(spool);
  const lost = out.filter(({ type }) => type === 'gap').reduce((all, { count }) => all + (count as number), 0);
  assert.equal(sum(spool.dropped), lost, 'what was delivered is not counted');
  assert.equal(out.filter(({ type }) => type === 'x').length + lost, 2000);
  disk.fault = () => {};
  await spool.close();
});

/** Segments of a spool of which all is delivered, kept by its reader. */
async function keptByReader(): Promise<{ folder: string; kept: string[] }> {
  const inlet = await workIn({ maxBytes: mib });
  await fill(inlet, 1, 500, 1000);
  await inlet.close();
  const outlet = await workOut({ folder: inlet.folder, keepSent: 3_600_000 });
  assert.equal((await takeAll(outlet)).length, 500);
  await outlet.close();
  return { folder: inlet.folder, kept: logFiles(inlet.folder) };
}

test('a writer of its own removes nothing while it has room, and then what is delivered before anything else', async () => {
  const { folder, kept } = await keptByReader();
  const inlet = await workIn({ folder, maxBytes: mib });
  await fill(inlet, 501, 800, 1000);
  assert.deepEqual(logFiles(folder).slice(0, kept.length), kept);
  await fill(inlet, 801, 1300, 1000);
  await inlet.close();
  assert.deepEqual(inlet.dropped, []);
  assert.deepEqual(await takeOut(folder), range(501, 1300));
});

test('a writer of its own takes for delivered what the saved cursor says: a power cut must not make that untrue', async () => {
  const { folder, kept } = await keptByReader();
  const saved = readFileSync(join(folder, 'cursor.json'), 'utf8');
  const noted = readFileSync(join(folder, 'cursor.now'), 'utf8');
  rmSync(join(folder, 'cursor.json'));
  const inlet = await workIn({ folder, maxBytes: mib });
  const filling = fill(inlet, 501, 1300, 1000);
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.deepEqual(logFiles(folder).slice(0, kept.length), kept, 'it waits for the reader to save what it noted');
  writeFileSync(join(folder, 'cursor.json'), saved);
  await filling;
  await inlet.close();
  assert.deepEqual(inlet.dropped, []);
  assert.ok(!existsSync(kept[0]!));
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith('.gap')),
    [],
  );
  assert.equal(readFileSync(join(folder, 'cursor.now'), 'utf8'), noted);
});

test('what a reader that died had noted and not saved is no loss either: a gap stands in its place, which only a power cut shows', async () => {
  const { folder } = await keptByReader();
  rmSync(join(folder, 'cursor.json'));
  const inlet = await workIn({ folder, maxBytes: mib });
  await fill(inlet, 501, 1300, 1000);
  await inlet.close();
  assert.deepEqual(inlet.dropped, []);
  assert.deepEqual(await takeOut(folder), range(501, 1300));
});

test('--max-age gives up what is older also while records keep coming', async () => {
  const clock = fakeClock();
  const spool = await work({ clock, maxAge: 8000 });
  for (let n = 1; n <= 60; n++) {
    await fill(spool, n, n);
    await clock.advance(500);
  }
  const [gap, ...rest] = await takeAll(spool);
  const count = gap!.count as number;
  assert.deepEqual([gap?.type, gap?.reason], ['gap', 'older than --max-age']);
  // Half a second each: sixteen are young enough, and a segment holds an eighth more.
  assert.ok(count >= 60 - 16 - 4 && count <= 60 - 16, `${count} of 60`);
  assert.deepEqual(numbers(rest), range(count + 1, 60));
  await spool.close();
});

test('runs that are short, one after the other, do not make a segment older than --max-age allows', async () => {
  const folder = spoolFolder();
  let now = Date.now();
  for (let n = 1; n <= 30; n++) {
    const spool = await workIn({ folder, maxAge: 8000, clock: fakeClock(now) });
    await fill(spool, n, n);
    await spool.close();
    now += 500;
  }
  assert.ok(logFiles(folder).length > 8, `${logFiles(folder).length} segments`);
});

test('where others take more than the spool holds, it grows no more, and gives up no more than it takes', async () => {
  let free = 100 * mib;
  const disk = withFree(() => free);
  const clock = fakeClock();
  const spool = await work({ disk, clock, minFree: { share: 0.05 }, maxBytes: 8 * mib });
  await fill(spool, 1, 1500, 1000);
  free = 10 * mib;
  await clock.advance(1000);
  const before = sizeOf(spool.folder);
  await fill(spool, 1501, 4000, 1000);
  assert.ok(sizeOf(spool.folder) <= before && sizeOf(spool.folder) > before / 2, `${sizeOf(spool.folder)}`);
  assert.equal((await takeAll(spool)).at(-1)?.n, 4000);
  await spool.close();
});

test('a spool that is empty where others have taken all still brings its records to a sink that works', async () => {
  const disk = withFree(() => 10 * mib);
  const spool = await work({ disk, minFree: { share: 0.05 } });
  for (let n = 1; n <= 300; n += 20) {
    await fill(spool, n, n + 19, 1000);
    assert.deepEqual(numbers(await takeAll(spool)), range(n, n + 19));
  }
  assert.deepEqual(spool.dropped, []);
  await spool.close();
});

test('a record as large as --max-bytes costs what was before it, not itself', async () => {
  const spool = await work({ maxBytes: mib });
  await fill(spool, 1, 20, 100_000);
  await fill(spool, 21, 21, mib - 100);
  assert.deepEqual(numbers(await takeAll(spool)), ['gap 20', 21]);
  await spool.close();
});

test('--when-full exit names what would help', async () => {
  const disk = withFree(() => 10 * mib);
  const spool = await work({ disk, minFree: { share: 0.05 }, whenFull: 'exit' });
  await assert.rejects(fill(spool, 1, 200, 1000), { status: 74, next: /^Lower --min-free, make room/ });
  await spool.close().catch(() => {});
});

for (const whenFull of ['block', 'drop-oldest'] as const) {
  test(`a record that is larger than --max-bytes with its frame is taken all the same, --when-full ${whenFull}`, async () => {
    const spool = await work({ maxBytes: mib, whenFull });
    await fill(spool, 1, 1, mib);
    assert.deepEqual(numbers(await takeAll(spool)), [1]);
    await fill(spool, 2, 2, mib);
    assert.deepEqual([numbers(await takeAll(spool)), spool.dropped], [[2], []]);
    await spool.close();
  });
}

test('a reader that stands in the segment that goes tells what its gap says, and nothing is both dropped and handed out', async () => {
  const spool = await work({ maxBytes: mib });
  await fill(spool, 1, 200, 1000);
  const first = await spool.feed.next();
  assert.equal(first?.first, 1);
  await fill(spool, 201, 3000, 1000);
  const records = await takeAll(spool);
  const gaps = records.filter(({ type }) => type === 'gap');
  assert.deepEqual(
    gaps.map(({ reason, to }) => [reason, typeof to]),
    [['the spool is full', 'string']],
  );
  assert.equal(first!.last + (gaps[0]!.count as number) + records.length - 1, 3000);
  await spool.close();
});

test('--min-free leaves room to others', async () => {
  let free = 100 * mib;
  const disk = withFree(() => free);
  const clock = fakeClock();
  const spool = await work({ disk, clock, minFree: { share: 0.05 }, maxBytes: 8 * mib });
  await fill(spool, 1, 1500, 1000);
  assert.deepEqual(spool.dropped, []);
  free = 49 * mib;
  await clock.advance(1000);
  const before = sizeOf(spool.folder);
  await fill(spool, 1501, 1510, 1000);
  assert.ok(sum(spool.dropped) > 0);
  assert.ok(sizeOf(spool.folder) < before);
  await spool.close();
});

test('a spool that does not exist yet needs no room to be looked at', async () => {
  const spool = await work({ folder: join(spoolFolder(), 'deep', 'er') });
  assert.deepEqual(await takeAll(spool), []);
  await spool.close();
});
