import { join } from 'node:path';
import type { Clock } from '../runtime/clock.ts';
import type { Disk } from './disk.ts';
import { writeGap } from './gaps.ts';
import type { Index } from './index.ts';
import type { Reserve } from './reserve.ts';
import { digitsOf } from './segments.ts';

/*
 * A write that the disk cuts short shows lines until they are cut off again. Another process may have read them by then, and goes on behind
 * them. As long as this writer lives, it gives their numbers to the same records. One that comes after it knows nothing of them: it
 * must not give them out again, or its first records would pass for those that were read. So they are noted before they are cut off, in the
 * name of an empty file: a full disk has room for that.
 */

/** Numbers of records whose lines were there and are not any more. */
export interface Numbers {
  first: number;
  last: number;
}

/** What the folder of a spool says about withdrawn numbers. */
export interface Withdrawn {
  /** What an earlier writer left; undefined: nothing. */
  found(): Numbers | undefined;
  /** Rejects when it can't be noted. */
  note(numbers: Numbers): Promise<void>;
  /** Later numbers are on the disk now. */
  forget(): void;
}

const name = /^(\d{16})-(\d{16})\.withdrawn$/;

/** Keeps the note in the folder: the newest one, since numbers before it are not given out anyway. */
export function createWithdrawn(disk: Disk, reserve: Reserve, folder: string): Withdrawn {
  const listed = (): (Numbers & { path: string })[] =>
    disk.entries(folder).flatMap((entry) => {
      const found = name.exec(entry.name);
      return found ? [{ path: join(folder, entry.name), first: Number(found[1]), last: Number(found[2]) }] : [];
    });
  let noted = listed();
  return {
    found: () => noted.at(-1),
    async note({ first, last }) {
      const path = join(folder, `${digitsOf(first)}-${digitsOf(last)}.withdrawn`);
      await reserve.use(async () => disk.close(await disk.openToWrite(path)));
      for (const older of noted) if (older.path !== path) disk.remove(older.path);
      noted = [{ path, first, last }];
    },
    forget() {
      for (const { path } of noted.splice(0)) disk.remove(path);
    },
  };
}

/**
 * Puts a gap in the place of numbers that a reader may have seen and that are on the disk no longer. Returns the number that comes next
 * when `next` would. Where the gap finds no room, the hole in the numbers shows it, and the note stays until they are past.
 */
export async function passWithdrawn(
  { disk, index, reserve, clock }: { disk: Disk; index: Index; reserve: Reserve; clock: Clock },
  withdrawn: Withdrawn,
  next: number,
): Promise<number> {
  const found = withdrawn.found();
  if (!found) return next;
  if (found.last >= next) {
    const gap = {
      first: Math.max(found.first, next),
      last: found.last,
      reason: 'their writer ended before the disk took them',
    };
    try {
      await reserve.use(() => writeGap(disk, index, gap, clock.now()));
      const empty = index.segments.find(
        ({ kind, first, bytes }) => kind === 'log' && first === gap.first && bytes === 0,
      );
      if (empty) index.remove(empty);
    } catch {
      return found.last + 1;
    }
  }
  withdrawn.forget();
  return Math.max(next, found.last + 1);
}
