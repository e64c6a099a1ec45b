import type { Clock } from '../runtime/clock.ts';
import { fail } from '../runtime/exit.ts';
import type { Log } from '../runtime/log.ts';
import type { Disk } from './disk.ts';
import { type Done, firstUndone } from './done.ts';
import { spanOf, writeGap } from './gaps.ts';
import { doneSegments, type Index } from './index.ts';
import { lastOf, type Segment } from './segments.ts';

/** What happens to a record for which there is no room. */
export type WhenFull = 'drop-oldest' | 'drop-newest' | 'block' | 'exit';

/** How much a spool may hold. */
export interface Limit {
  maxBytes: number;
  /** Records that are older are given up, in milliseconds; undefined: never. */
  maxAge: number | undefined;
  /** What is left to others on the file system: bytes, or a share of it. */
  minFree: { bytes: number } | { share: number } | undefined;
  whenFull: WhenFull;
}

/** What the caps stand on. */
export interface CapsOptions extends Limit {
  disk: Disk;
  index: Index;
  clock: Clock;
  log: Log;
  /** Which records are done with, as far as this process can tell. */
  done(): Done;
  /** Which of them will still be so after a power cut: what may be removed. */
  saved(): Done;
  /** Makes room by removing what is delivered. */
  tidy(): Promise<void>;
  /** Closes the segment that is being written. */
  roll(): Promise<void>;
  /** Number of the last record that was written. */
  written(): number;
  onDropped(count: number, reason: string): void;
}

/** Keeps a spool within its bounds. */
export interface Caps {
  /** Makes room for so many bytes by what may be removed. False: there is none. */
  makeRoom(bytes: number): Promise<boolean>;
  /** Gives up the oldest segment that holds undelivered records. False: there is none. */
  dropOldest(reason: string): Promise<boolean>;
  /** Gives up what is too old. */
  dropAged(): Promise<void>;
}

/** A look at the file system is good for so long, or for so many bytes. */
const lookEvery = { ms: 1000, bytes: 1024 * 1024 };
const warnEvery = 60_000;

/** Guards the bounds of a spool that this process writes. */
export function createCaps(options: CapsOptions): Caps {
  const { disk, index, clock, log, maxBytes, maxAge, minFree } = options;
  let lookedAt = Number.NEGATIVE_INFINITY;
  let sinceLook = 0;
  let tight = false;
  let given = 0;
  let warnedAt = Number.NEGATIVE_INFINITY;

  const diskIsTight = (bytes: number): boolean => {
    if (!minFree) return false;
    sinceLook += bytes;
    if (clock.monotonic() - lookedAt < lookEvery.ms && sinceLook < lookEvery.bytes) return tight;
    lookedAt = clock.monotonic();
    sinceLook = 0;
    const { free, total } = disk.room(index.folder);
    tight = free < ('bytes' in minFree ? minFree.bytes : total * minFree.share);
    return tight;
  };

  const lacks = (bytes: number): boolean => index.bytes() + bytes > maxBytes || diskIsTight(bytes);

  const warn = (count: number, reason: string): void => {
    given += count;
    options.onDropped(count, reason);
    if (clock.monotonic() - warnedAt < warnEvery) return;
    warnedAt = clock.monotonic();
    log.warn(`${given} undelivered records dropped: ${reason}`);
    given = 0;
  };

  const drop = async (segment: Segment, reason: string): Promise<void> => {
    const last = Math.min(lastOf(index.segments, index.segments.indexOf(segment)), options.written());
    const first = firstUndone(options.done(), segment.first);
    const bytes = disk.load(segment.path);
    await writeGap(
      disk,
      index,
      { first: segment.first, last, ...(bytes ? spanOf(bytes, first) : {}), reason },
      clock.now(),
    );
    index.remove(segment);
    warn(last - first + 1, reason);
  };

  /** The oldest segment with undelivered records. */
  const oldest = (): Segment | undefined => {
    const done = options.done();
    return index.segments.find(
      ({ kind, bytes, first }, at) =>
        kind === 'log' &&
        bytes > 0 &&
        firstUndone(done, first) <= Math.min(lastOf(index.segments, at), options.written()),
    );
  };

  /** Nothing is written to it any longer. */
  const close = async (segment: Segment): Promise<void> => {
    if (segment === index.segments.at(-1)) await options.roll();
  };

  /** Removes what is delivered for certain, until there is room. */
  const removeDone = async (bytes: number): Promise<void> => {
    do {
      await options.tidy();
      lookedAt = Number.NEGATIVE_INFINITY;
      for (const segment of doneSegments(index, options.saved())) {
        if (!lacks(bytes)) return;
        index.remove(segment);
        lookedAt = Number.NEGATIVE_INFINITY;
      }
      // What was delivered meanwhile goes before anything that was not.
    } while (lacks(bytes) && doneSegments(index, options.done()).length > 0);
  };

  const isAged = (segment: Segment | undefined): boolean =>
    segment !== undefined && maxAge !== undefined && clock.now() - segment.changed > maxAge;

  const caps: Caps = {
    async makeRoom(bytes) {
      if (!lacks(bytes)) return true;
      index.refresh();
      await removeDone(bytes);
      while (lacks(bytes)) {
        if (options.whenFull === 'exit')
          throw fail('io', `${index.folder}: full`, 'Raise --max-bytes, or see why nothing is delivered.');
        if (options.whenFull !== 'drop-oldest' || !(await caps.dropOldest('the spool is full'))) return !lacks(bytes);
        lookedAt = Number.NEGATIVE_INFINITY;
      }
      return true;
    },
    async dropOldest(reason) {
      const segment = oldest();
      if (!segment) return false;
      await close(segment);
      await drop(segment, reason);
      return true;
    },
    async dropAged() {
      if (maxAge === undefined) return;
      for (;;) {
        // Most of the time not even the oldest file is that old, and the cursor need not be looked at.
        if (!isAged(index.segments.find(({ kind }) => kind === 'log'))) return;
        const segment = oldest();
        if (!segment || !isAged(segment)) return;
        await close(segment);
        await drop(segment, 'older than --max-age');
      }
    },
  };
  return caps;
}
