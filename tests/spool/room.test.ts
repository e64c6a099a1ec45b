import assert from 'node:assert/strict';
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { type Disk, disk as realDisk } from '../../src/spool/disk.ts';
import type { Inlet } from '../../src/spool/sides.ts';
import {
  cursorText,
  fill,
  logFiles,
  numbers,
  range,
  spoolFolder,
  takeAll,
  work,
  workIn,
  workOut,
} from '../support/spool.ts';

const kib = 1024;

/** As the real disk, but a loop that looks at the cursor for ever ends with an error instead of a test that hangs. */
function patientDisk(folder: string): Disk {
  let looks = 0;
  return {
    ...realDisk,
    load(path) {
      if (path === join(folder, 'cursor.json') && ++looks > 20_000) throw new Error('looked at for ever');
      return realDisk.load(path);
    },
  };
}

/** The first number of each segment. */
const firsts = ({ index }: Inlet): number[] => index.segments.map(({ first }) => first);

/** Writes what a reader noted, `--order live-first`, and died before it was saved. */
function note(folder: string, cursor: { upTo: number; ranges: [number, number][] }): void {
  const text = JSON.stringify(cursor);
  writeFileSync(join(folder, 'cursor.now'), `${crc32(text)} ${text}\n`);
}

test('a reader, live-first, that died with ranges noted and not saved does not hold the writer up: they make room', async () => {
  const folder = spoolFolder();
  const inlet = await workIn({ folder, maxBytes: 512 * kib, segmentBytes: 64 * kib, disk: patientDisk(folder) });
  await fill(inlet, 1, 300, 1000);
  const segments = firsts(inlet);
  const [first, last] = [segments[2]!, segments[3]! - 1];
  writeFileSync(join(folder, 'cursor.json'), cursorText({ upTo: 10 }));
  note(folder, { upTo: 10, ranges: [[first, last]] });
  await fill(inlet, 301, 500, 1000);
  assert.ok(!logFiles(folder).some((file) => file.endsWith(`${first}.log`)));
  await inlet.close();
  assert.match(readdirSync(folder).join(), new RegExp(`${first}-0*${last}\\.gap`));
});

test('ranges that a reader saves while the writer waits make room, and no gap stands in their place', async () => {
  const folder = spoolFolder();
  const inlet = await workIn({ folder, maxBytes: 512 * kib, segmentBytes: 64 * kib, disk: patientDisk(folder) });
  await fill(inlet, 1, 420, 1000);
  const before = inlet.dropped.length;
  const segments = firsts(inlet);
  const ranges: [number, number][] = [[segments[2]!, segments[3]! - 1]];
  writeFileSync(join(folder, 'cursor.json'), cursorText({ upTo: 10 }));
  note(folder, { upTo: 10, ranges });
  const filling = fill(inlet, 421, 520, 1000);
  setTimeout(() => writeFileSync(join(folder, 'cursor.json'), cursorText({ upTo: 10, ranges })), 300);
  await filling;
  assert.equal(inlet.dropped.length, before);
  assert.ok(!firsts(inlet).includes(ranges[0]![0]));
  await inlet.close();
  const outlet = await workOut({ folder });
  assert.doesNotMatch(JSON.stringify(await takeAll(outlet)), /probably delivered/);
  await outlet.close();
});

test('what is given up at once is an eighth, however little a spool may take', async () => {
  const spool = await work({ maxBytes: 80 * kib });
  let least = Number.POSITIVE_INFINITY;
  for (let n = 1; n <= 1000; n += 5) {
    await fill(spool, n, n + 4, 200);
    if (n > 500) least = Math.min(least, spool.index.bytes());
  }
  assert.ok(least > 60 * kib, `${least} bytes kept`);
  await spool.close();
});

test('a file system that does not say how much is free keeps nothing from being taken, with --min-free too', async () => {
  const disk: Disk = {
    ...realDisk,
    room() {
      throw Object.assign(new Error('ENOSYS: function not implemented, statfs'), { code: 'ENOSYS' });
    },
  };
  const spool = await work({ disk, minFree: { share: 0.05 } });
  await fill(spool, 1, 10);
  assert.deepEqual(numbers(await takeAll(spool)), range(1, 10));
  assert.equal(spool.log.filter((line) => line.includes('statfs: --min-free cannot be kept')).length, 1, 'said once');
  await spool.close();
});

test('a disk that was full at the start makes no small segments once it has room', async () => {
  let free = 0;
  const disk: Disk = { ...realDisk, room: () => ({ free, total: 1e11 }) };
  const spool = await work({ disk });
  free = 5e10;
  await fill(spool, 1, 1000, 1000);
  assert.ok(logFiles(spool.folder).length <= 2, `${logFiles(spool.folder).length} segments`);
  assert.deepEqual(numbers(await takeAll(spool)), range(1, 1000));
  await spool.close();
});

test('a disk that fills up has smaller segments from the next one on', async () => {
  let free = 5e10;
  const disk: Disk = { ...realDisk, room: () => ({ free, total: 1e11 }) };
  const spool = await work({ disk, maxBytes: 8192 * kib });
  await fill(spool, 1, 500, 1000);
  assert.equal(logFiles(spool.folder).length, 1);
  free = 0;
  await fill(spool, 501, 1500, 1000);
  assert.ok(logFiles(spool.folder).length > 3, `${logFiles(spool.folder).length} segments`);
  await spool.close();
});

test('a folder that can not be made is said, where Node would look for ever', {
  skip: !existsSync('/proc/self'),
}, () => {
  assert.throws(() => realDisk.makeFolder('/proc/voltpipe/x'), {
    status: 74,
    message: /cannot be made: no such file or folder \(ENOENT\)/,
  });
});

test('the folders of its locks stay with a spool: on a full disk none could be made', async () => {
  const folder = spoolFolder();
  const locks = (): number[] => ['writer.lock', 'reader.lock'].map((name) => statSync(join(folder, name)).ino);
  await (await work({ folder })).close();
  const before = locks();
  await (await work({ folder })).close();
  assert.deepEqual(locks(), before);
});
