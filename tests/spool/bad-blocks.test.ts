import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { aroundBadBlocks } from '../../src/spool/bad-blocks.ts';
import { type Disk, disk as realDisk } from '../../src/spool/disk.ts';
import { verify } from '../../src/spool/inspect.ts';
import { fill, logFiles, numbers, range, takeAll, work, workIn, workOut } from '../support/spool.ts';

const page = 4096;
const failed = (code: string): Error => Object.assign(new Error(code), { code });

/** A disk on which pages of the first segment can't be read; `moments`: they can after so many tries. */
function worn(bad: number, { moments = Number.POSITIVE_INFINITY, pages = 1 } = {}): Disk {
  const opened = new Map<number, string>();
  const isFirst = (path = ''): boolean => path.endsWith('0000000000000001.log');
  let left = moments;
  const check = (path: string | undefined, position: number, bytes: number): void => {
    if (isFirst(path) && position < (bad + pages) * page && position + bytes > bad * page && left-- > 0)
      throw failed('EIO');
  };
  return aroundBadBlocks({
    ...realDisk,
    async openToRead(path) {
      const fd = await realDisk.openToRead(path);
      opened.set(fd, path);
      return fd;
    },
    async read(fd, into, offset, position) {
      check(opened.get(fd), position, into.length - offset);
      return realDisk.read(fd, into, offset, position);
    },
    load(path) {
      check(path, 0, realDisk.load(path)?.length ?? 0);
      return realDisk.load(path);
    },
    peek(path, position, bytes) {
      check(path, position, bytes);
      return realDisk.peek(path, position, bytes);
    },
  });
}

/** Records that lie on pages of a segment, in whole or in part. */
function onPages(file: string, bad: number, pages = 1): number[] {
  const found: number[] = [];
  let at = 0;
  for (const line of readFileSync(file, 'utf8').split('\n').slice(0, -1)) {
    const end = at + line.length + 1;
    if (at < (bad + pages) * page && end > bad * page) found.push(Number(line.split(' ')[1]));
    at = end;
  }
  return found;
}

for (const bad of [0, 2, 40]) {
  for (const split of [false, true]) {
    test(`page ${bad} of a segment that can't be read costs its lines alone, ${split ? 'two processes' : 'one'}`, async () => {
      const inlet = await workIn({ segmentBytes: 200_000 });
      await fill(inlet, 1, 500, 500);
      await inlet.close();
      const lost = onPages(logFiles(inlet.folder)[0]!, bad);
      assert.ok(lost.length > 2);
      const disk = worn(bad);
      const out = split ? await workOut({ folder: inlet.folder, disk }) : await work({ folder: inlet.folder, disk });
      const got = numbers(await takeAll(out, false));
      assert.deepEqual(got, [...range(1, lost[0]! - 1), `gap ${lost.length}`, ...range(lost.at(-1)! + 1, 500)]);
      assert.equal(readdirSync(join(inlet.folder, 'quarantine')).length, 1);
      assert.ok((await verify(disk, inlet.folder)).faults.length > 0);
      await out.close();
    });
  }
}

for (const bad of [0, 30, 100]) {
  test(`a region that is larger than what is read at once costs its lines alone, from page ${bad} on`, async () => {
    const inlet = await workIn({ segmentBytes: 2_000_000 });
    await fill(inlet, 1, 2000, 500);
    await inlet.close();
    const lost = onPages(logFiles(inlet.folder)[0]!, bad, 150);
    const out = await work({ folder: inlet.folder, disk: worn(bad, { pages: 150 }) });
    assert.deepEqual(numbers(await takeAll(out, false)), [
      ...range(1, lost[0]! - 1),
      `gap ${lost.length}`,
      ...range(lost.at(-1)! + 1, 2000),
    ]);
    await out.close();
  });
}

test('a bad page of the segment that is gone on in is no reason not to start', async () => {
  const inlet = await workIn();
  await fill(inlet, 1, 100, 500);
  await inlet.close();
  const lost = onPages(logFiles(inlet.folder)[0]!, 3);
  const spool = await work({ folder: inlet.folder, disk: worn(3) });
  await fill(spool, 101, 110, 500);
  const got = numbers(await takeAll(spool));
  assert.deepEqual(got, [...range(1, lost[0]! - 1), `gap ${lost.length}`, ...range(lost.at(-1)! + 1, 110)]);
  await spool.close();
});

test('a page that can be read the next time costs nothing', async () => {
  const inlet = await workIn();
  await fill(inlet, 1, 100, 500);
  await inlet.close();
  const out = await workOut({ folder: inlet.folder, disk: worn(3, { moments: 2 }) });
  assert.deepEqual(numbers(await takeAll(out)), range(1, 100));
  await out.close();
});

for (const code of ['EIO', 'EACCES']) {
  test(`a segment of which nothing can be read (${code}) is status 74, and stays with all behind it`, async () => {
    const inlet = await workIn({ segmentBytes: 20_000 });
    await fill(inlet, 1, 200, 500);
    await inlet.close();
    const [, second] = logFiles(inlet.folder);
    const disk = aroundBadBlocks({
      ...realDisk,
      async openToRead(path) {
        if (path === second) throw failed(code);
        return realDisk.openToRead(path);
      },
    });
    const out = await workOut({ folder: inlet.folder, disk });
    const first = await out.feed.next();
    out.keeper.delivered(first!.first, first!.last);
    await assert.rejects(out.feed.next(), { status: 74, message: /cannot be read: / });
    await out.close();
    assert.ok(logFiles(inlet.folder).includes(second!));
    const again = await workOut({ folder: inlet.folder });
    assert.deepEqual(numbers(await takeAll(again)), range(first!.last + 1, 200));
    await again.close();
  });
}
