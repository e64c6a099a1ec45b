import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { type Disk, disk as realDisk } from '../../src/spool/disk.ts';
import { fakeClock, turnUntil } from '../support/clock.ts';
import { until } from '../support/fixture.ts';
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

/** A disk that, while `broken` says so, writes but a share of the records; `seen` runs before what is left of a line is cut off. */
function partly(broken: { code?: string; share: number }, seen: () => Promise<void>): Disk {
  return {
    ...realDisk,
    async write(fd, bytes, position) {
      const { code, share } = broken;
      if (!code || !Buffer.from(bytes).includes('"n"')) return realDisk.write(fd, bytes, position);
      await realDisk.write(fd, bytes.subarray(0, Math.floor(bytes.length * share)), position);
      await seen();
      throw Object.assign(new Error(code), { code });
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

for (const share of [0.3, 0.7, 1]) {
  for (const pad of [0, 1500]) {
    const how = `${share} of a group${pad ? ', too long to be padded,' : ''}`;
    test(`a reader loses nothing when it was quicker than a disk that took ${how} and refused the rest`, async () => {
      const broken: { code?: string; share: number } = { share };
      const folder = spoolFolder();
      const out = await workOut({ folder });
      const got: unknown[] = [];
      const drain = async (): Promise<void> => void got.push(...numbers(await takeAll(out)));
      const spool = await workIn({ folder, disk: partly(broken, drain), whenFull: 'drop-newest' });
      await fill(spool, 1, 9);
      await drain();
      broken.code = 'ENOSPC';
      await fill(spool, 10, 29, pad);
      delete broken.code;
      await fill(spool, 30, 59);
      await drain();
      const kept = got.findIndex((one) => typeof one === 'string');
      const lost = 29 - (kept < 0 ? 29 : kept);
      assert.ok(share === 1 ? lost === 0 : lost > 0);
      assert.deepEqual(got, [...range(1, 29 - lost), ...(lost > 0 ? [`gap ${lost}`] : []), ...range(30, 59)]);
      assert.deepEqual([spool.accepted(), out.damaged], [59, []]);
      await out.close();
      await spool.close();
      const again = await work({ folder });
      assert.deepEqual(await takeAll(again), []);
      await again.close();
    });

    test(`what a reader saw of ${how} keeps its number when the writer ends and another one comes`, async () => {
      const broken: { code?: string; share: number } = { share };
      const folder = spoolFolder();
      const out = await workOut({ folder });
      const got: unknown[] = [];
      const drain = async (): Promise<void> => void got.push(...numbers(await takeAll(out, false)));
      const options = { folder, disk: partly(broken, drain), whenFull: 'exit' } as const;
      const spool = await workIn(options);
      await fill(spool, 1, 9);
      broken.code = 'EIO';
      if (share === 1) await fill(spool, 10, 29, pad);
      else await assert.rejects(fill(spool, 10, 29, pad), { status: 74 });
      delete broken.code;
      await spool.close().catch(() => {});
      await drain();
      const before = got.length;
      assert.deepEqual(got, range(1, before));
      const again = await workIn(options);
      assert.equal(again.writer.next, before + 1);
      await fill(again, 100, 129);
      await drain();
      assert.deepEqual(got.slice(before), range(100, 129));
      assert.deepEqual(out.damaged, []);
      await again.close();
      await out.close();
    });
  }
}

test('what waits in memory while the disk takes it line by line arrives once, and counts once', async () => {
  const broken: { code?: string; share: number } = { share: 0.2 };
  const clock = fakeClock();
  const spool = await work({ disk: partly(broken, async () => {}), clock, whenFull: 'block' });
  await fill(spool, 1, 2);
  broken.code = 'EIO';
  for (let n = 3; n <= 40; n++) spool.writer.append(JSON.stringify(recordOf(n, 300)));
  await until(() => spool.writer.stuck() !== undefined);
  assert.deepEqual(numbers(await takeAll(spool, false)), range(1, 40));
  await turnUntil(clock, 1000, () => spool.writer.written > 20);
  delete broken.code;
  await turnUntil(clock, 1000, () => spool.accepted() === 40);
  await spool.feed.rewind();
  assert.deepEqual(numbers(await takeAll(spool)), range(1, 40));
  assert.deepEqual([spool.damaged, spool.dropped], [[], []]);
  await spool.close();
});
