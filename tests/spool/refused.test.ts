import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { type Disk, disk as realDisk } from '../../src/spool/disk.ts';
import { fill, numbers, range, spoolFolder, takeAll, work, workIn, workOut } from '../support/spool.ts';

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
