import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import type { VoltRecord } from '../../src/records/record.ts';
import { type Disk, disk as realDisk } from '../../src/spool/disk.ts';
import { survey } from '../../src/spool/inspect.ts';
import { fakeClock, turnUntil } from '../support/clock.ts';
import { fill, numbers, range, recordOf, spoolFolder, takeAll, work, workIn, workOut } from '../support/spool.ts';

/** A disk that takes no records while `broken` says so. */
function disk(broken: { code?: string }): Disk {
  return {
    ...realDisk,
    async write(fd, bytes, position) {
      const { code } = broken;
      if (code && Buffer.from(bytes).includes('"n"')) throw Object.assign(new Error(code), { code });
      await realDisk.write(fd, bytes, position);
    },
  };
}

const segmentsIn = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => /\d\.(log|gap)$/.test(name))
    .sort();

for (const split of [false, true]) {
  for (const behind of [0, 9]) {
    for (const late of [false, true]) {
      const who = split ? 'by another process' : 'by the same process';
      test(`records behind ${behind} and what the disk refused are in a segment of their own, read ${late ? 'late' : 'at once'} ${who}`, async () => {
        const broken: { code?: string } = {};
        const folder = spoolFolder();
        const options = { folder, disk: disk(broken), whenFull: 'drop-newest' } as const;
        const spool = split ? await workIn(options) : await work(options);
        const out = split ? await workOut({ folder }) : (spool as Awaited<ReturnType<typeof work>>);
        const got: unknown[] = [];
        const drain = async (): Promise<void> => {
          got.push(...numbers(await takeAll(out)));
          await out.keeper.save();
        };
        if (behind > 0) await fill(spool, 1, behind);
        if (!late) await drain();
        broken.code = 'EIO';
        await fill(spool, behind + 1, 20);
        delete broken.code;
        await fill(spool, 21, 25);
        assert.equal(segmentsIn(folder).at(-1), '0000000000000021.log');
        await drain();
        await fill(spool, 26, 30);
        await drain();
        assert.deepEqual(got, [...range(1, behind), `gap ${20 - behind}`, ...range(21, 30)]);
        await out.close();
        if (split) await spool.close();
        const again = await work({ folder });
        await fill(again, 31, 31);
        assert.deepEqual(numbers(await takeAll(again)), [31]);
        await again.close();
      });
    }
  }
}

test('what is given up on a full disk keeps its numbers: its gap counts, not the empty segment that it was meant for', async () => {
  const folder = spoolFolder();
  const broken: { code?: string } = {};
  const replace: Disk['replace'] = async (path, text) => {
    if (broken.code && path.endsWith('.gap')) throw Object.assign(new Error(broken.code), { code: broken.code });
    await realDisk.replace(path, text);
  };
  const inlet = await workIn({ folder, disk: { ...disk(broken), replace }, whenFull: 'drop-newest' });
  await fill(inlet, 1, 10);
  broken.code = 'ENOSPC';
  for (let n = 11; n <= 71; n += 20) await fill(inlet, n, n + 19);
  await inlet.close();
  delete broken.code;
  const { dropped, backlog, newest } = survey(realDisk, folder);
  assert.deepEqual([dropped, backlog, newest], [80, 10, 90]);
  const again = await workIn({ folder });
  assert.equal(again.writer.next, 91);
  await fill(again, 91, 95);
  const out = await workOut({ folder });
  const records = await takeAll(out);
  assert.deepEqual(numbers(records), [...range(1, 10), 'gap 80', ...range(91, 95)]);
  assert.equal(records[10]?.reason, 'dropped');
  await again.close();
  await out.close();
});

for (const whenFull of ['drop-newest', 'drop-oldest'] as const) {
  test(`a disk that takes no gap either is told of behind what is in memory, and the spool ends, --when-full ${whenFull}`, async () => {
    const broken: { code?: string } = {};
    const refuse = (): void => {
      if (broken.code) throw Object.assign(new Error(broken.code), { code: broken.code });
    };
    const clock = fakeClock();
    const spool = await work({
      disk: {
        ...disk(broken),
        async replace(path, text) {
          refuse();
          await realDisk.replace(path, text);
        },
        async openToWrite(path) {
          refuse();
          return realDisk.openToWrite(path);
        },
        async create(path) {
          refuse();
          return realDisk.create(path);
        },
      },
      clock,
      whenFull,
    });
    await fill(spool, 1, 10);
    const got: VoltRecord[] = await takeAll(spool);
    broken.code = 'EROFS';
    for (let n = 11; n <= 3000; n++) spool.writer.append(JSON.stringify(recordOf(n, 1000)));
    await turnUntil(clock, 1000, () => spool.dropped.length > 2);
    got.push(...(await takeAll(spool)));
    delete broken.code;
    await turnUntil(clock, 1000, () => spool.accepted() === 3000);
    await fill(spool, 3001, 3010);
    got.push(...(await takeAll(spool)));
    const gaps = got.filter(({ type }) => type === 'gap').map(({ count }) => count as number);
    assert.ok(gaps.length > 0);
    assert.equal(got.length - gaps.length + gaps.reduce((sum, count) => sum + count, 0), 3010);
    const others = numbers(got.filter(({ type }) => type !== 'gap')) as number[];
    assert.deepEqual(
      others,
      others.toSorted((a, b) => a - b),
    );
    assert.ok(spool.feed.isDrained());
    assert.equal(spool.backlog(), 0);
    await spool.close();
  });
}
