import { basename } from 'node:path';
import { loadCursor, saveCursor } from './cursor.ts';
import type { Disk } from './disk.ts';
import { addDone } from './done.ts';
import { writeGap } from './gaps.ts';
import { beginning, countWaiting, createIndex, doneSegments } from './index.ts';
import { type Fault, scan } from './inspect.ts';
import { newestOnDisk } from './newest.ts';
import { quarantine } from './quarantine.ts';
import { underLocks } from './sides.ts';
import { readTail } from './tail.ts';

/** Does something with a spool that nobody uses meanwhile. Throws exit status 75 when somebody does. */
const alone = <T>(disk: Disk, folder: string, work: () => Promise<T>): Promise<T> =>
  underLocks({ disk, folder }, ['writer', 'reader'], (release) => work().finally(release));

/** Takes what is damaged out of a spool and into its quarantine; whole records stay as they are. */
export function repair(disk: Disk, folder: string, now: number): Promise<{ records: number; mended: Fault[] }> {
  return alone(disk, folder, async () => {
    const mended: Fault[] = [];
    let records = 0;
    const index = createIndex(disk, folder);
    const { segments } = index;
    for (const [at, { path, kind, first }] of segments.entries()) {
      if (kind === 'gap') continue;
      const bytes = disk.load(path) ?? Buffer.alloc(0);
      const whole: Buffer[] = [];
      let newest = 0;
      let pieces = 0;
      for (const { start, end, seq } of scan(bytes)) {
        if (seq !== undefined && seq > newest) {
          whole.push(bytes.subarray(start, end + 1));
          newest = seq;
          continue;
        }
        pieces++;
        quarantine(disk, folder, `${basename(path)}-${start}`, bytes.subarray(start, end));
      }
      records += whole.length;
      if (pieces === 0) continue;
      await disk.replace(path, Buffer.concat(whole).toString('utf8'));
      const { next } = readTail(bytes, first);
      if (next > Math.max(newest + 1, first) && at === segments.length - 1) {
        // Those at the very end leave no hole between numbers that would show that they are missing.
        const lost = { first: Math.max(newest + 1, first), last: next - 1, reason: 'damaged on disk' };
        await writeGap(disk, index, lost, now);
      }
      mended.push({ file: basename(path), what: `${pieces} damaged ${pieces === 1 ? 'piece' : 'pieces'} taken out` });
    }
    index.refresh();
    const { cursor, damaged } = loadCursor(disk, folder);
    if (damaged) {
      mended.push({
        file: 'cursor.json',
        what: cursor ? 'made anew from cursor.now' : 'set back to the oldest record',
      });
      await saveCursor(disk, folder, cursor ?? beginning(index));
    }
    return { records, mended };
  });
}

/** Gives up what is not delivered, but for the newest `keep` records. Returns how many records that were. */
export function drop(disk: Disk, folder: string, keep: number): Promise<number> {
  return alone(disk, folder, async () => {
    const index = createIndex(disk, folder);
    const done = loadCursor(disk, folder).cursor ?? beginning(index);
    const newest = newestOnDisk(disk, index);
    const waiting = countWaiting(index, done, newest);
    // What live-first has delivered above that stays noted.
    addDone(done, 1, newest - keep);
    await saveCursor(disk, folder, done);
    const count = waiting - countWaiting(index, done, newest);
    for (const segment of doneSegments(index, done)) index.remove(segment);
    return count;
  });
}
