import assert from 'node:assert/strict';
import {
  appendFileSync,
  closeSync,
  copyFileSync,
  cpSync,
  existsSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Disk, disk as realDisk } from '../../src/spool/disk.ts';
import { frame } from '../../src/spool/frame.ts';
import { survey, verify } from '../../src/spool/inspect.ts';
import { endOfLines, lengthOfLines } from '../../src/spool/padding.ts';
import { repair } from '../../src/spool/repair.ts';
import { readTail } from '../../src/spool/tail.ts';
import { fakeClock, turnUntil } from '../support/clock.ts';
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
  work,
  workIn,
  workOut,
} from '../support/spool.ts';

const mib = 1024 * 1024;
const newest = (folder: string): string => logFiles(folder).at(-1)!;
const lineOf = (n: number, pad = 0): string => frame(n, JSON.stringify(recordOf(n, pad)));
const lines = (from: number, to: number, pad = 0): string =>
  range(from, to)
    .map((n) => lineOf(n, pad))
    .join('');
const padding = (bytes: number): Buffer => Buffer.alloc(bytes, '\n');

/** A folder with one segment that holds just this. */
function folderWith(...parts: (string | Uint8Array)[]): string {
  const folder = spoolFolder();
  writeFileSync(join(folder, '0000000000000001.log'), Buffer.concat(parts.map((part) => Buffer.from(part))));
  return folder;
}

const inQuarantine = (folder: string): string[] => {
  const path = join(folder, 'quarantine');
  return existsSync(path) ? readdirSync(path).map((name) => readFileSync(join(path, name), 'utf8')) : [];
};

test('a commit makes the file no longer, and what is ahead of the lines is newlines; closed, the file is its lines', async () => {
  const disk = faultyDisk();
  const spool = await work({ disk });
  await fill(spool, 1, 1);
  const size = statSync(newest(spool.folder)).size;
  assert.equal(size, 256 * 1024);
  for (let n = 2; n <= 500; n++) await fill(spool, n, n, 200);
  assert.equal(statSync(newest(spool.folder)).size, size);
  const text = readFileSync(newest(spool.folder), 'utf8');
  assert.match(text.slice(text.indexOf('\n\n')), /^\n+$/);
  for (let n = 501; n <= 1500; n++) await fill(spool, n, n, 200);
  assert.ok(disk.steps.filter((step) => step.startsWith('write 0')).length <= 1500 + 3, 'a step at a time');
  assert.deepEqual([spool.writer.counts.groups, spool.writer.counts.syncs], [1500, 1500]);
  assert.deepEqual(numbers(await takeAll(spool)), range(1, 1500));
  await spool.close();
  assert.ok(readFileSync(newest(spool.folder), 'utf8').endsWith('}\n'));
  assert.doesNotMatch(readFileSync(newest(spool.folder), 'utf8'), /\n\n/);
});

test('where nothing is synced, or much is written at once, nothing is padded', async () => {
  for (const [sync, pad] of [
    ['never', 10],
    ['always', 40_000],
  ] as const) {
    const spool = await workIn({ sync });
    await fill(spool, 1, 3, pad);
    assert.equal(statSync(newest(spool.folder)).size, lines(1, 3, pad).length);
    await spool.close();
  }
});

test('what is written at once and is long takes the padding away before it', async () => {
  const spool = await work();
  await fill(spool, 1, 2);
  await fill(spool, 3, 3, 300_000);
  assert.equal(statSync(newest(spool.folder)).size, lines(1, 2).length + lineOf(3, 300_000).length);
  await fill(spool, 4, 4);
  assert.ok(statSync(newest(spool.folder)).size > 500_000);
  assert.deepEqual(numbers(await takeAll(spool)), [1, 2, 3, 4]);
  await spool.close();
});

test('a padded log that a crash left is its lines: to stat, to verify, to a reader, and to the next writer', async () => {
  const folder = folderWith(lines(1, 4), padding(8192 - lines(1, 4).length));
  assert.deepEqual(
    [survey(realDisk, folder).bytes, survey(realDisk, folder).newest, survey(realDisk, folder).oldest],
    [lines(1, 4).length, 4, recordOf(1).time],
  );
  assert.deepEqual(await verify(realDisk, folder), { records: 4, faults: [] });
  assert.deepEqual(await repair(realDisk, folder, 0), { records: 4, mended: [] });
  const out = await workOut({ folder });
  assert.deepEqual(numbers(await takeAll(out, false)), [1, 2, 3, 4]);
  assert.ok(out.feed.isDrained());
  assert.equal(out.index.bytes(), lines(1, 4).length);
  await out.close();
  const spool = await work({ folder });
  assert.deepEqual(spool.log, []);
  assert.equal(spool.index.bytes(), lines(1, 4).length);
  await fill(spool, 5, 5);
  assert.deepEqual(numbers(await takeAll(spool)), [1, 2, 3, 4, 5]);
  await spool.close();
  assert.deepEqual(inQuarantine(folder), []);
});

test('a live log is looked at by its lines, too', async () => {
  const spool = await workIn({ maxBytes: mib });
  await fill(spool, 1, 300);
  const { bytes, newest: last, backlog } = survey(realDisk, spool.folder);
  assert.deepEqual([bytes, last, backlog], [lines(1, 300).length, 300, 300]);
  assert.deepEqual(await verify(realDisk, spool.folder), { records: 300, faults: [] });
  await spool.close();
});

test('a log without padding, as it was written before, goes on', async () => {
  const folder = folderWith(lines(1, 3));
  const spool = await work({ folder });
  await fill(spool, 4, 6);
  assert.deepEqual(numbers(await takeAll(spool)), range(1, 6));
  await spool.close();
});

test('torn at every byte of the last two records, padding behind: all whole records come out, and no damage is seen', async () => {
  const text = Buffer.from(lines(1, 5));
  const ends = [...text.entries()].filter(([, byte]) => byte === 10).map(([at]) => at + 1);
  for (let length = ends[2]!; length <= text.length; length++) {
    const folder = folderWith(text.subarray(0, length), padding(4096 - length));
    // The last byte of a line is its newline, which the padding has as well.
    const whole = ends.filter((end) => end <= length + 1);
    const torn = Math.max(0, length - whole.at(-1)!);
    const out = await workOut({ folder });
    assert.deepEqual(numbers(await takeAll(out, false)), range(1, whole.length), `torn at ${length}`);
    assert.ok(out.feed.isDrained());
    assert.equal(
      (await verify(realDisk, folder)).faults.map(({ what }) => what).join(),
      torn > 0 ? `bytes ${whole.at(-1)} to ${length}: the last line was not written to its end` : '',
    );
    const spool = await workIn({ folder });
    assert.equal(spool.writer.next, whole.length + 1);
    await fill(spool, 100, 100);
    assert.deepEqual(numbers(await takeAll(out)), [100], `torn at ${length}`);
    await spool.close();
    await out.close();
    assert.deepEqual(inQuarantine(folder), torn > 0 ? [text.toString('utf8', whole.at(-1), length)] : []);
    if (torn > 0) assert.match(spool.log.join('\n'), new RegExp(`torn by a crash: ${torn} bytes cut off`));
  }
});

test('a damaged line keeps its number when something is behind it, and blank lines have none', () => {
  const bad = 'x'.repeat(60);
  const tail = (...parts: (string | Buffer)[]) => {
    const bytes = Buffer.concat(parts.map((part) => Buffer.from(part)));
    const { next, newest: last, bytes: end, torn } = readTail(bytes, 1);
    return { next, last, end, torn };
  };
  const two = lines(1, 2).length;
  assert.deepEqual(tail(lines(1, 2), `${bad}\n`), { next: 4, last: 2, end: two + 61, torn: 0 });
  assert.deepEqual(tail(lines(1, 2), `${bad}\n`, padding(9)), { next: 3, last: 2, end: two, torn: 60 });
  assert.deepEqual(tail(lines(1, 2), padding(9), `${bad}\n`, padding(9)), { next: 3, last: 2, end: two, torn: 69 });
  assert.deepEqual(tail(lines(1, 2), `${bad}\n`, padding(9), bad), { next: 3, last: 2, end: two, torn: 130 });
  assert.deepEqual(tail(lines(1, 2), `${bad}\n`, padding(9), lineOf(4)).next, 5);
  assert.deepEqual(tail(lines(1, 2), padding(50), `${bad}\n`), { next: 4, last: 2, end: two + 50 + 61, torn: 0 });
  assert.deepEqual(tail(padding(9)), { next: 1, last: 0, end: 0, torn: 0 });
  assert.deepEqual(tail(), { next: 1, last: 0, end: 0, torn: 0 });
});

test('where the lines of a file end is found at every length, over any number of pages', () => {
  fc.assert(
    fc.property(fc.nat(9000), fc.nat(9000), fc.boolean(), (content, blank, torn) => {
      const text = content === 0 ? '' : `${'x'.repeat(content - 1)}${torn ? 'x' : '\n'}`;
      const bytes = Buffer.concat([Buffer.from(text), padding(blank)]);
      const expected = text.endsWith('x') && blank > 0 ? content + 1 : content <= 1 && !torn ? 0 : content;
      assert.equal(endOfLines(bytes), expected);
    }),
  );
  for (const content of [0, 1, 4095, 4096, 256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1, 600_000]) {
    const length = Math.ceil((content + 700_000) / 4096) * 4096;
    const file = join(spoolFolder(), 'f');
    writeFileSync(file, Buffer.concat([Buffer.from(content ? `${'x'.repeat(content - 1)}y\n` : ''), padding(length)]));
    truncateSync(file, length);
    assert.equal(lengthOfLines(realDisk, file, length), content && content + 1, `${content}`);
  }
});

test('a reader in another process waits for a line that is half written, however it sees it, and takes no other for damaged', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 6 }),
      fc.array(fc.nat(40), { maxLength: 60 }),
      fc.integer({ min: 1, max: 64 }),
      async (count, given, piece) => {
        const steps = [...given];
        const folder = folderWith(lines(1, 2), padding(1024));
        const fd = openSync(newest(folder), 'r+');
        const coming = Buffer.from(lines(3, 2 + count));
        const from = lines(1, 2).length;
        let written = 0;
        // The writer goes on while the reader reads, and cuts the file when it is done.
        const goOn = (): void => {
          const bytes = coming.subarray(written, written + (steps.shift() ?? 0));
          writeSync(fd, bytes, 0, bytes.length, from + written);
          written += bytes.length;
          if (written === coming.length) ftruncateSync(fd, from + written);
        };
        const disk: Disk = {
          ...realDisk,
          async read(reading, into, offset, position) {
            let got = 0;
            for (let found = -1; offset + got < into.length && found !== 0; got += found) {
              const length = Math.min(piece, into.length - offset - got);
              found = readSync(reading, into, offset + got, length, position + got);
              if (found > 0) goOn();
            }
            return got;
          },
          async size(reading) {
            goOn();
            return realDisk.size(reading);
          },
          load(path) {
            goOn();
            return realDisk.load(path);
          },
        };
        const out = await workOut({ folder, disk });
        const got: unknown[] = [];
        while (written < coming.length) {
          got.push(...numbers(await takeAll(out)));
          steps.push(piece);
          goOn();
        }
        got.push(...numbers(await takeAll(out)));
        await out.close();
        closeSync(fd);
        assert.deepEqual(got, range(1, 2 + count));
        assert.deepEqual([out.damaged, inQuarantine(folder)], [[], []]);
      },
    ),
    { numRuns: 300 },
  );
});

test('what is written while the same process reads is read the next time, and is no padding', async () => {
  let during = async (): Promise<void> => {};
  const disk: Disk = {
    ...realDisk,
    async read(fd, into, offset, position) {
      const count = await realDisk.read(fd, into, offset, position);
      await during();
      return count;
    },
  };
  const spool = await work({ disk });
  await fill(spool, 1, 2);
  let n = 2;
  during = async () => {
    if (n < 20) await fill(spool, n + 1, ++n);
  };
  const got: unknown[] = [];
  for (let look = 0; look < 30; look++) got.push(...numbers(await takeAll(spool)));
  assert.deepEqual(got, range(1, 20));
  await spool.close();
});

test('a line that is not good is damaged when a whole one is behind it, in a log that is being written too', async () => {
  const bad = lineOf(3).replace('"n":3', '"n":7');
  for (const between of [padding(0), padding(700)]) {
    const folder = folderWith(lines(1, 2), bad, between, lines(4, 5), padding(5000));
    const out = await workOut({ folder });
    assert.deepEqual(numbers(await takeAll(out, false)), [1, 2, 'gap 1', 4, 5]);
    assert.deepEqual(inQuarantine(folder), [bad]);
    assert.ok(out.feed.isDrained());
    await out.close();
    const spool = await work({ folder });
    await fill(spool, 6, 6);
    assert.deepEqual(numbers(await takeAll(spool)), [1, 2, 'gap 1', 4, 5, 6]);
    await spool.close();
  }
});

test('half a line with padding behind it is damaged when the next segment is there', async () => {
  const half = lineOf(3).slice(0, 30);
  const folder = folderWith(lines(1, 2), half, padding(4096));
  const out = await workOut({ folder });
  assert.deepEqual(numbers(await takeAll(out)), [1, 2]);
  assert.deepEqual(inQuarantine(folder), []);
  writeFileSync(join(folder, '0000000000000004.log'), lines(4, 4));
  assert.deepEqual(numbers(await takeAll(out)), ['gap 1', 4]);
  assert.deepEqual(inQuarantine(folder), [`${half}\n`]);
  await out.close();
});

test('padding that stayed on a segment that is done is passed over by both kinds of reader', async () => {
  const folder = folderWith(lines(1, 2), padding(9000));
  writeFileSync(join(folder, '0000000000000003.log'), lines(3, 4));
  const out = await workOut({ folder });
  assert.deepEqual(numbers(await takeAll(out, false)), [1, 2, 3, 4]);
  await out.close();
  const spool = await work({ folder });
  assert.deepEqual(numbers(await takeAll(spool)), [1, 2, 3, 4]);
  await spool.close();
  assert.deepEqual(inQuarantine(folder), []);
});

test('who reads a log that lost pages in a power cut before it is mended misses nothing that is written afterwards', async () => {
  const whole = Buffer.from(lines(1, 12, 200));
  const synced = lines(1, 4, 200).length;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }), fc.nat(511), async (pages, shift) => {
      const bytes = Buffer.concat([whole, padding(8192 - whole.length)]);
      for (const [page, kept] of pages.entries()) {
        const start = Math.max(synced, page * 512 - shift);
        if (!kept) bytes.fill(10, start, Math.max(start, (page + 1) * 512 - shift));
      }
      const folder = folderWith(bytes);
      const out = await workOut({ folder });
      const got = numbers(await takeAll(out));
      const spool = await workIn({ folder });
      await fill(spool, 100, 120, 20);
      got.push(...numbers(await takeAll(out)));
      await fill(spool, 121, 140, 20);
      got.push(...numbers(await takeAll(out)));
      await spool.close();
      await out.close();
      const records = got.filter((one) => typeof one === 'number');
      assert.deepEqual(records.slice(0, 4), [1, 2, 3, 4]);
      assert.deepEqual(records.slice(-41), range(100, 140));
      assert.deepEqual(
        records,
        records.toSorted((a, b) => a - b),
      );
      assert.equal(new Set(records).size, records.length);
    }),
    { numRuns: 300 },
  );
});

test('padding that has no room refuses nothing that has', async () => {
  for (const code of ['ENOSPC', 'EFBIG', 'EDQUOT']) {
    const folder = spoolFolder();
    const limit = 20_000;
    const disk: Disk = {
      ...realDisk,
      async write(fd, bytes, position) {
        const room = bytes.subarray(0, Math.max(0, limit - position));
        await realDisk.write(fd, room, position);
        if (room.length < bytes.length) throw Object.assign(new Error(code), { code });
      },
    };
    const spool = await work({ folder, disk });
    for (let n = 1; n <= 30; n++) await fill(spool, n, n, 500);
    assert.deepEqual([spool.log, spool.dropped, spool.accepted()], [[], [], 30]);
    assert.equal(statSync(newest(folder)).size, lines(1, 30, 500).length, 'what padded it was given back');
    assert.deepEqual(numbers(await takeAll(spool)), range(1, 30));
    await spool.close();
  }
});

/** A disk that, while it is stuck, writes all but the last bytes of a line, fails, and lets nothing be cut off again. */
function stuckDisk(code: string): Disk & { isStuck: boolean } {
  const stuck: Disk & { isStuck: boolean } = {
    ...realDisk,
    isStuck: false,
    async write(fd, bytes, position) {
      if (!stuck.isStuck) return realDisk.write(fd, bytes, position);
      await realDisk.write(fd, bytes.subarray(0, bytes.length - 5), position);
      throw Object.assign(new Error(code), { code });
    },
    async truncate(fd, bytes, changed) {
      if (stuck.isStuck) throw Object.assign(new Error(code), { code });
      await realDisk.truncate(fd, bytes, changed);
    },
  };
  return stuck;
}

test('half a line that could neither be written nor cut off is cut off before anything else is written', async () => {
  const clock = fakeClock();
  const disk = stuckDisk('EIO');
  const spool = await work({ disk, clock });
  await fill(spool, 1, 2);
  disk.isStuck = true;
  for (let n = 3; n <= 9; n++) spool.writer.append(JSON.stringify(recordOf(n, 300)));
  await until(() => spool.writer.stuck() !== undefined);
  assert.deepEqual(numbers(await takeAll(spool)), range(1, 9), 'the rest from memory');
  disk.isStuck = false;
  await turnUntil(clock, 1000, () => spool.accepted() === 9);
  await fill(spool, 10, 10);
  assert.deepEqual(numbers(await takeAll(spool)), [10]);
  assert.equal(readFileSync(newest(spool.folder), 'utf8').trimEnd(), (lines(1, 2) + lineOf(10)).trimEnd());
  await spool.close();
  assert.equal(readFileSync(newest(spool.folder), 'utf8'), lines(1, 2) + lineOf(10));
  assert.deepEqual(inQuarantine(spool.folder), []);
});

test('lines and padding together keep to --max-bytes, and what is accounted are the lines', async () => {
  const spool = await work({ maxBytes: mib });
  const onDisk = (): number =>
    readdirSync(spool.folder)
      .filter((name) => /\d\.(log|gap)$/.test(name))
      .reduce((sum, name) => sum + statSync(join(spool.folder, name)).size, 0);
  let most = 0;
  for (let n = 1; n <= 4000; n++) {
    await fill(spool, n, n, 300);
    most = Math.max(most, onDisk());
  }
  assert.ok(most <= mib, `${most}`);
  assert.ok(spool.index.bytes() <= onDisk());
  assert.ok(spool.dropped.length > 0);
  await spool.close();
  assert.equal(onDisk(), spool.index.bytes());
});

test('padding counts as free for --min-free: nothing is dropped for it', async () => {
  let spool: Awaited<ReturnType<typeof work>> | undefined;
  const used = (): number => logFiles(spool!.folder).reduce((sum, file) => sum + statSync(file).size, 0);
  const disk: Disk = { ...realDisk, room: () => ({ free: spool ? 600_000 - used() : 600_000, total: 10 * mib }) };
  const clock = fakeClock();
  spool = await work({ disk, clock, minFree: { bytes: 400_000 } });
  for (let n = 1; n <= 500; n++) {
    await fill(spool, n, n, 200);
    await clock.advance(1000);
  }
  assert.deepEqual(spool.dropped, []);
  await spool.close();
});

test('a segment stays as old as its newest record when its padding is cut off', async () => {
  const clock = fakeClock('2026-03-01T12:00:00.000Z');
  const spool = await workIn({ clock });
  await fill(spool, 1, 1);
  await clock.advance(3_600_000);
  await spool.close();
  assert.equal(statSync(newest(spool.folder)).mtimeMs, Date.parse('2026-03-01T12:00:00.000Z'));
  const folder = spoolFolder();
  cpSync(spool.folder, folder, { recursive: true, preserveTimestamps: true });
  appendFileSync(newest(folder), padding(4096));
  const before = statSync(newest(folder)).mtimeMs;
  await (await workIn({ folder })).close();
  assert.equal(Math.round(statSync(newest(folder)).mtimeMs), Math.round(before));
});

test('a copy of a spool that is in use is a spool', async () => {
  const spool = await workIn();
  await fill(spool, 1, 20);
  const folder = spoolFolder();
  for (const file of logFiles(spool.folder)) copyFileSync(file, join(folder, file.slice(file.lastIndexOf('/') + 1)));
  await fill(spool, 21, 22);
  const copy = await work({ folder });
  await fill(copy, 21, 22);
  assert.deepEqual(numbers(await takeAll(copy)), range(1, 22));
  await copy.close();
  await spool.close();
});

for (const code of ['ENOSPC', 'EIO', 'EROFS']) {
  test(`it starts although the disk does not let the torn end be cut (${code}); that is done before the next line`, async () => {
    const half = lineOf(3).slice(0, 30);
    for (const rest of ['', padding(4096)]) {
      let broken = true;
      const disk: Disk = {
        ...realDisk,
        async truncate(fd, bytes, changed) {
          if (broken) throw Object.assign(new Error(code), { code });
          await realDisk.truncate(fd, bytes, changed);
        },
      };
      const spool = await work({ folder: folderWith(lines(1, 2), half, rest), disk });
      assert.match(spool.log.join('\n'), new RegExp(`the end of the log cannot be cut yet: .*\\(${code}\\)`));
      spool.index.refresh();
      broken = false;
      await fill(spool, 3, 4);
      assert.deepEqual(numbers(await takeAll(spool)), range(1, 4));
      await spool.close();
      assert.equal(readFileSync(newest(spool.folder), 'utf8'), lines(1, 4));
      assert.deepEqual(spool.damaged, []);
    }
  });
}

test('what a write on a full disk left behind the lines, and a cut could not take away, does not become one of them', async () => {
  const clock = fakeClock();
  const disk = stuckDisk('ENOSPC');
  const spool = await work({ disk, clock, whenFull: 'block' });
  await fill(spool, 1, 2);
  disk.isStuck = true;
  for (let n = 3; n <= 9; n++) spool.writer.append(JSON.stringify(recordOf(n, 300)));
  await until(() => spool.log.some((line) => line.includes('tried again')));
  disk.isStuck = false;
  await turnUntil(clock, 1000, () => spool.accepted() === 9);
  assert.equal(readFileSync(newest(spool.folder), 'utf8').trimEnd(), (lines(1, 2) + lines(3, 9, 300)).trimEnd());
  assert.deepEqual(numbers(await takeAll(spool)), range(1, 9));
  await spool.close();
  assert.deepEqual([spool.damaged, inQuarantine(spool.folder)], [[], []]);
});

test('a last record that was damaged in a padded log is a gap: its number is not given again', async () => {
  const bad = (n: number): string => lineOf(n).replace(`"n":${n}`, '"n":77');
  for (const [damaged, shown, next] of [
    [bad(5), ['gap 1'], 6],
    [bad(5) + bad(6), ['gap 2'], 7],
    [`${'x'.repeat(50)}\n${bad(6)}`, ['gap 2'], 7],
    // Half a line was accepted by nobody, and a number that cannot come next is part of the damage.
    [lineOf(5).slice(0, -9), [], 5],
    [bad(500), [], 5],
    [bad(3), [], 5],
  ] as const) {
    const folder = folderWith(lines(1, 4), damaged, padding(8192));
    const spool = await work({ folder });
    assert.equal(spool.writer.next, next);
    await fill(spool, 100, 100);
    assert.deepEqual(numbers(await takeAll(spool)), [1, 2, 3, 4, ...shown, 100]);
    await spool.close();
    assert.ok(inQuarantine(folder).join('').includes(damaged.trimEnd().slice(-20)));
  }
});
