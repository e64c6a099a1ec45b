import type { CommandError } from '../runtime/exit.ts';
import type { Log } from '../runtime/log.ts';
import type { Disk } from './disk.ts';
import { countUndone, type Done, doneUpTo, firstUndone, undoneBetween } from './done.ts';
import { lastOf, listSegments, type Segment } from './segments.ts';

/** The segments of a spool, as far as this process knows them. */
export interface Index {
  readonly folder: string;
  segments: Segment[];
  /** Looks at the folder again: another process writes or removes there too. One that cannot be read for now is as it was. */
  refresh(): void;
  add(segment: Segment): void;
  remove(segment: Segment): void;
  /** Bytes of all segments. */
  bytes(): number;
}

/** Reads which segments a folder has. Throws exit status 74 when it can't. */
export function createIndex(disk: Disk, folder: string, log?: Log): Index {
  const list = (): Segment[] | undefined => {
    try {
      const listed = listSegments(disk, folder);
      log?.recovered('folder', `${folder} can be read again`);
      return listed;
    } catch (error) {
      if (!log) throw error;
      log.lost('folder', `${(error as CommandError).message}; tried again`);
      return undefined;
    }
  };

  const index: Index = {
    folder,
    segments: listSegments(disk, folder),
    refresh() {
      const known = new Map(index.segments.map((segment) => [segment.path, segment]));
      index.segments = (list() ?? index.segments).map((found) => {
        const before = known.get(found.path);
        return before?.ours ? before : Object.assign(before ?? found, found);
      });
    },
    add(segment) {
      index.segments.push(segment);
      index.segments.sort((a, b) => a.first - b.first);
    },
    remove(segment) {
      disk.remove(segment.path);
      index.segments = index.segments.filter(({ path }) => path !== segment.path);
    },
    bytes: () => index.segments.reduce((sum, { bytes }) => sum + bytes, 0),
  };
  return index;
}

/**
 * The segments of which every record is done with.
 *
 * @param written number of the last record in the log that is being written; absent: that one is none of them
 */
export function doneSegments({ segments }: Index, done: Done, written = Number.POSITIVE_INFINITY): Segment[] {
  return segments.filter(({ first, bytes }, at) => {
    const last = lastOf(segments, at);
    const undone = firstUndone(done, first);
    return Number.isFinite(last) ? undone > last : bytes > 0 && undone > written;
  });
}

/** The oldest segment that holds records of which nobody has taken delivery. */
export function oldestUndone({ segments }: Index, done: Done, newest: number): Segment | undefined {
  return segments.find(
    ({ kind, bytes, first }, at) =>
      kind === 'log' && bytes > 0 && firstUndone(done, first) <= Math.min(lastOf(segments, at), newest),
  );
}

/** How many records were given up and are not yet told of downstream. */
export function countDropped({ segments }: Index, done: Done): number {
  return segments.reduce(
    (sum, { first, last }) => sum + (last === undefined ? 0 : undoneBetween(done, first, last)),
    0,
  );
}

/** How many records up to `newest` wait for delivery. Those that a gap stands for do not. */
export const countWaiting = (index: Index, done: Done, newest: number): number =>
  countUndone(done, newest) - countDropped(index, done);

/** Where a reader without a cursor begins: at the first record that there is. */
export function beginning({ segments }: Index): Done {
  return doneUpTo((segments[0]?.first ?? 1) - 1);
}
