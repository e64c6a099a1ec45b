import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { VoltRecord } from '../../src/records/record.ts';
import { disk as realDisk } from '../../src/spool/disk.ts';
import type { Inlet } from '../../src/spool/sides.ts';
import { fakeClock } from '../support/clock.ts';
import { until } from '../support/fixture.ts';
import { requireSmallDisk } from '../support/services.ts';
import { cleanEnvironment, shell, temporaryFolder } from '../support/shell.ts';
import { fill, logFiles, logText, numbers, range, recordOf, takeAll, work, workIn, workOut } from '../support/spool.ts';

const mib = 1024 * 1024;
const kib = 1024;
const day = 86_400_000;
/** Larger than the small disk: what bounds the spool is the disk. */
const maxBytes = 64 * mib;

const sum = (list: readonly { count: number }[]): number => list.reduce((all, { count }) => all + count, 0);
const missing = (records: readonly VoltRecord[]): number =>
  records.reduce((all, { type, count }) => all + (type === 'gap' ? (count as number) : 0), 0);
const keptBytes = (folder: string): number => logFiles(folder).reduce((all, file) => all + statSync(file).size, 0);

/** A folder for a spool on the small disk, and a file beside it that others fill. */
function place(t: TestContext) {
  const small = requireSmallDisk(t);
  if (!small) return undefined;
  const parent = mkdtempSync(join(small, 'full-'));
  const opened: { close(): Promise<void> }[] = [];
  t.after(async () => {
    // A file that is open takes room although it is removed.
    for (const one of opened) await one.close().catch(() => {});
    rmSync(parent, { recursive: true, force: true });
  });
  const filler = join(parent, 'filler');
  const free = (): number => realDisk.room(parent).free;
  return {
    folder: join(parent, 'spool'),
    free,
    /** Others take all but so many bytes. */
    fillUp(but = 0) {
      const page = Buffer.alloc(4 * kib);
      try {
        while (free() > but) writeFileSync(filler, page, { flag: 'a' });
      } catch (error) {
        assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
      }
    },
    async open<S extends { close(): Promise<void> }>(opening: Promise<S>): Promise<S> {
      const spool = await opening;
      opened.push(spool);
      return spool;
    },
  };
}

/** Puts records in until the disk has no room left for as much again. Returns the number of the last one. */
async function fillHalf(spool: Pick<Inlet, 'writer'>, free: () => number): Promise<number> {
  const half = free() / 2;
  let n = 0;
  for (; free() > half; n += 100) await fill(spool, n + 1, n + 100, 1000);
  return n;
}

test('drop-oldest goes on, and all that is not dropped comes out', async (t) => {
  const at = place(t);
  if (!at) return;
  at.fillUp(2 * mib);
  const spool = await at.open(work({ folder: at.folder, maxBytes }));
  await fill(spool, 1, 4000, 1000);
  assert.match(spool.log.join('\n'), /undelivered records dropped: the disk is full/);
  assert.doesNotMatch(spool.log.join('\n'), /ENOSPC|again/, 'said once, not with every segment');
  const out = await takeAll(spool);
  const got = numbers(out.filter(({ type }) => type === 'x'));
  assert.equal(got.length + missing(out), 4000);
  assert.equal(missing(out), sum(spool.dropped));
  assert.equal(got.at(-1), 4000);
  assert.ok(got.length > 1000, `${got.length} of some 1900 that have room`);
  await spool.keeper.save();
  await fill(spool, 4001, 4010, 1000);
  assert.deepEqual(numbers(await takeAll(spool)), range(4001, 4010));
  await spool.close();
});

test('what is delivered is noted and removed where others have filled the disk: the reserve is there for that', async (t) => {
  const at = place(t);
  if (!at) return;
  const spool = await at.open(work({ folder: at.folder, maxBytes: mib }));
  await fill(spool, 1, 300, 1000);
  const files = logFiles(at.folder).length;
  at.fillUp();
  assert.deepEqual(numbers(await takeAll(spool)), range(1, 300));
  await spool.keeper.save();
  assert.ok(logFiles(at.folder).length < files);
  assert.equal(JSON.parse(readFileSync(join(at.folder, 'cursor.json'), 'utf8')).upTo, 300);
  await spool.close();
});

for (const whenFull of ['drop-oldest', 'drop-newest', 'block', 'exit'] as const) {
  test(`what --keep-sent keeps goes before anything else has to, with ${whenFull}`, async (t) => {
    const at = place(t);
    if (!at) return;
    const spool = await at.open(work({ folder: at.folder, maxBytes, keepSent: day, whenFull }));
    const delivered = await fillHalf(spool, at.free);
    await takeAll(spool);
    await spool.keeper.save();
    assert.ok(keptBytes(at.folder) > delivered * 900, 'they are kept while there is room');
    const last = delivered + Math.floor(delivered * 1.5);
    await fill(spool, delivered + 1, last, 1000);
    assert.deepEqual(spool.dropped, []);
    assert.equal(spool.log.filter((line) => line.includes('(ENOSPC): what is delivered makes room')).length, 1);
    assert.deepEqual(numbers(await takeAll(spool)), range(delivered + 1, last));
    await spool.close();
  });

  test(`what --keep-sent of another process keeps goes before anything else has to, with ${whenFull}`, async (t) => {
    const at = place(t);
    if (!at) return;
    const inlet = await at.open(workIn({ folder: at.folder, maxBytes, whenFull }));
    const delivered = await fillHalf(inlet, at.free);
    const outlet = await at.open(workOut({ folder: at.folder, keepSent: day }));
    await takeAll(outlet);
    await outlet.close();
    const last = delivered + Math.floor(delivered * 1.5);
    await fill(inlet, delivered + 1, last, 1000);
    assert.deepEqual(inlet.dropped, []);
    await inlet.close();
    const rest = await at.open(workOut({ folder: at.folder }));
    assert.deepEqual(numbers(await takeAll(rest)), range(delivered + 1, last));
    await rest.close();
  });
}

test('a segment that is being written goes too when all in it is delivered and the disk has room for nothing else', async (t) => {
  const at = place(t);
  if (!at) return;
  const spool = await at.open(work({ folder: at.folder, maxBytes, whenFull: 'block' }));
  await fill(spool, 1, 100, 1000);
  await takeAll(spool);
  await spool.keeper.save();
  assert.equal(logFiles(at.folder).length, 1);
  at.fillUp();
  const filling = fill(spool, 101, 150, 1000);
  await until(() => spool.writer.stuck() !== undefined, 'the full disk');
  // Whoever reads lets go of the file that was removed.
  assert.deepEqual(numbers(await takeAll(spool, false)), range(101, 150));
  await filling;
  assert.equal(logText(at.folder).split('\n').length, 51, 'they are on disk');
  await spool.close();
});

test('drop-oldest finds room where others have taken even the reserve: the new is kept, the hole is shown', async (t) => {
  const at = place(t);
  if (!at) return;
  at.fillUp(mib);
  const spool = await at.open(work({ folder: at.folder, maxBytes }));
  await fill(spool, 1, 800, 1000);
  at.fillUp();
  rmSync(join(at.folder, 'reserve'));
  at.fillUp();
  await fill(spool, 801, 1200, 1000);
  assert.deepEqual([...new Set(spool.dropped.map(({ reason }) => reason))], ['the disk is full']);
  const out = await takeAll(spool);
  const got = numbers(out.filter(({ type }) => type === 'x'));
  assert.equal(got.length + missing(out), 1200);
  assert.deepEqual(got.slice(-400), range(801, 1200), 'what came last is there');
  assert.ok(got.length > 500, `${got.length}`);
  await spool.close();
});

test('at --max-bytes on a disk that others have filled, drop-oldest goes on too', async (t) => {
  const at = place(t);
  if (!at) return;
  const spool = await at.open(work({ folder: at.folder, maxBytes: mib }));
  await fill(spool, 1, 900, 1000);
  at.fillUp();
  rmSync(join(at.folder, 'reserve'));
  at.fillUp();
  await fill(spool, 901, 1500, 1000);
  const out = await takeAll(spool);
  const got = numbers(out.filter(({ type }) => type === 'x'));
  assert.equal(got.length + missing(out), 1500);
  assert.equal(got.at(-1), 1500);
  await spool.close();
});

for (const whenFull of ['drop-oldest', 'block'] as const) {
  test(`it ends with words and 74 when the disk takes nothing, with ${whenFull}: how many records could not be taken`, async (t) => {
    const at = place(t);
    if (!at) return;
    at.fillUp(48 * kib);
    const clock = fakeClock();
    const spool = await at.open(work({ folder: at.folder, maxBytes, whenFull, clock }));
    at.fillUp();
    for (let n = 1; n <= 300; n++) spool.writer.append(JSON.stringify(recordOf(n, 1000)));
    await until(() => spool.log.some((line) => line.includes('ENOSPC')), 'the full disk');
    const closing = assert.rejects(spool.close(), {
      status: 74,
      message: /spool: cannot be written: the disk is full \(ENOSPC\): \d+ records could not be taken$/,
    });
    await clock.advance(1000);
    await closing;
  });
}

test('spool put that is told to end while the disk takes nothing says how many records it could not take', async (t) => {
  const at = place(t);
  if (!at) return;
  at.fillUp();
  const cwd = temporaryFolder('full-put');
  const lines = range(1, 300).map((n) => `${JSON.stringify(recordOf(n, 1000))}\n`);
  const { stdout, stderr } = await shell(
    `cat > in; spool put ${at.folder} --when-full block < in 2> err & writer=$!
     until grep -q ENOSPC err; do sleep 0.05; done; kill -TERM $writer; wait $writer; cat err`,
    { cwd, env: cleanEnvironment(cwd), stdin: lines.join('') },
  );
  assert.match(stdout, /cannot be written: the disk is full \(ENOSPC\): 300 records could not be taken/, stderr);
  assert.doesNotMatch(stdout, /what was left is lost/);
});

test('on a small disk segments are small: what is delivered makes room for what comes, with all defaults', async (t) => {
  const at = place(t);
  if (!at) return;
  const inlet = await at.open(workIn({ folder: at.folder, maxBytes }));
  const delivered = await fillHalf(inlet, at.free);
  await inlet.close();
  const outlet = await at.open(workOut({ folder: at.folder }));
  assert.equal((await takeAll(outlet)).length, delivered);
  await outlet.close();
  const again = await at.open(workIn({ folder: at.folder, maxBytes }));
  const last = delivered + Math.floor(delivered * 1.2);
  await fill(again, delivered + 1, last, 1000);
  assert.deepEqual(again.dropped, []);
  await again.close();
  const rest = await at.open(workOut({ folder: at.folder }));
  assert.deepEqual(numbers(await takeAll(rest)), range(delivered + 1, last));
  await rest.close();
  assert.ok(existsSync(join(at.folder, 'cursor.json')));
});
