import type { Clock } from '../runtime/clock.ts';
import { fail } from '../runtime/exit.ts';
import type { Log } from '../runtime/log.ts';
import type { Disk } from './disk.ts';
import { covers, type Done, firstUndone, undoneBetween } from './done.ts';
import { type Dropped, noteGap, spanOf, writeGap } from './gaps.ts';
import { doneSegments, type Index, oldestUndone } from './index.ts';
import type { Losses } from './losses.ts';
import { isFull, type Reserve } from './reserve.ts';
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
  reserve: Reserve;
  clock: Clock;
  log: Log;
  /** Which records are done with, as far as this process can tell. */
  done(): Done;
  /** Which of them will still be so after a power cut: what may be removed. */
  saved(): Done;
  /** Brings {@link CapsOptions.saved} up to {@link CapsOptions.done}; segments may go with that. False: it can't be done. */
  tidy(): Promise<boolean>;
  /** Closes the segment that is being written. */
  roll(): Promise<void>;
  /** Number of the last record that was written. */
  written(): number;
  /** Bytes that the disk has given already to what will be written. */
  padding(): number;
  losses: Losses;
}

/** Keeps a spool within its bounds. */
export interface Caps {
  /** Makes room for so many bytes by what may be removed. False: there is none. */
  makeRoom(bytes: number): Promise<boolean>;
  /** Removes the oldest segment of which all is delivered, also one that was to be kept. False: there is none. */
  removeDelivered(): Promise<boolean>;
  /** Gives up the oldest segment that holds undelivered records. False: there is none. */
  dropOldest(reason: string): Promise<boolean>;
  /** Gives up what is too old. */
  dropAged(): Promise<void>;
}

/** So much a spool may hold although --min-free leaves nothing: a far side that works shall have its records. */
const leastHeld = 64 * 1024;
/** A look at the file system is good for so long, or for so many bytes. */
const lookEvery = { ms: 1000, bytes: 1024 * 1024 };

/** Guards the bounds of a spool that this process writes. */
export function createCaps(options: CapsOptions): Caps {
  const { disk, index, reserve, clock, log, maxBytes, maxAge, minFree } = options;
  let lookedAt = Number.NEGATIVE_INFINITY;
  let sinceLook = 0;
  /** What the spool may hold by --min-free, as of the last look. */
  let allowed = Number.POSITIVE_INFINITY;
  /** What it held when others had taken so much that nothing it could give up would do. */
  let ceiling: number | undefined;

  /** Bytes of records. What stands for those that were given up is small, and can't be given up. */
  const held = (): number => index.segments.reduce((sum, { kind, bytes }) => sum + (kind === 'log' ? bytes : 0), 0);

  /**
   * What --min-free leaves for the spool. Where others have taken more than all that it holds, to give that up would help nobody: then it
   * grows no more, and has room at least for what is on its way.
   */
  const leftFor = (bytes: number): number => {
    if (!minFree) return allowed;
    sinceLook += bytes;
    if (clock.monotonic() - lookedAt < lookEvery.ms && sinceLook < lookEvery.bytes) return allowed;
    lookedAt = clock.monotonic();
    sinceLook = 0;
    try {
      const { free, total } = disk.room(index.folder);
      const now = held();
      const left = now + free + options.padding() - ('bytes' in minFree ? minFree.bytes : total * minFree.share);
      ceiling = left > 0 ? undefined : (ceiling ?? Math.max(now, leastHeld));
      allowed = ceiling ?? left;
      log.recovered('room', 'the file system says again how much is free');
    } catch (error) {
      // What cannot be known must not cost a record.
      allowed = Number.POSITIVE_INFINITY;
      log.lost('room', `${(error as Error).message}: --min-free cannot be kept`);
    }
    return allowed;
  };

  /** A record that is larger than all that is allowed has room when it is alone: it would wait for ever else. */
  const lacks = (bytes: number): boolean => {
    const wanted = index.bytes() + bytes;
    return wanted > Math.min(held() === 0 ? Math.max(maxBytes, wanted) : maxBytes, leftFor(bytes));
  };

  /** The gap is durable before the segment goes. Where there is no room even for that, the segment has to go first. */
  const replaceByGap = async (segment: Segment, gap: Dropped): Promise<void> => {
    try {
      await reserve.use(() => writeGap(disk, index, gap, clock.now()));
      index.remove(segment);
    } catch (error) {
      if (!isFull(error)) throw error;
      index.remove(segment);
      await noteGap(disk, index, gap, clock.now());
    }
    await reserve.fill();
  };

  const drop = async (segment: Segment, reason: string): Promise<void> => {
    const last = Math.min(lastOf(index.segments, index.segments.indexOf(segment)), options.written());
    const done = options.done();
    const bytes = disk.load(segment.path);
    const span = bytes ? spanOf(bytes, firstUndone(done, segment.first)) : {};
    await replaceByGap(segment, { first: segment.first, last, ...span, reason });
    options.losses.add(undoneBetween(done, segment.first, last), reason);
  };

  /** Nothing is written to it any longer. */
  const close = async (segment: Segment): Promise<void> => {
    if (segment === index.segments.at(-1)) await options.roll();
  };

  /** A segment of which all is delivered, as far as this process can tell. */
  const delivered = (): Segment | undefined =>
    doneSegments(index, options.done(), options.written()).find(({ kind }) => kind === 'log');

  const removeCertain = async (): Promise<boolean> => {
    const [segment] = doneSegments(index, options.saved(), options.written());
    if (!segment) return false;
    await close(segment);
    index.remove(segment);
    return true;
  };

  const isAged = (segment: Segment | undefined): boolean =>
    segment !== undefined && maxAge !== undefined && clock.now() - segment.changed > maxAge;

  const whatIsFull = (bytes: number): string =>
    index.bytes() + bytes > maxBytes ? 'Raise --max-bytes' : 'Lower --min-free, make room on the file system';

  const caps: Caps = {
    async makeRoom(bytes) {
      if (!lacks(bytes)) return true;
      index.refresh();
      while (lacks(bytes)) {
        lookedAt = Number.NEGATIVE_INFINITY;
        if (await caps.removeDelivered()) continue;
        if (!lacks(bytes)) return true;
        if (options.whenFull === 'exit')
          throw fail('io', `${index.folder}: full`, `${whatIsFull(bytes)}, or see why nothing is delivered.`);
        if (options.whenFull !== 'drop-oldest' || !(await caps.dropOldest('the spool is full'))) return !lacks(bytes);
      }
      return true;
    },
    async removeDelivered() {
      for (;;) {
        if (await removeCertain()) return true;
        if (!delivered()) return false;
        const { length } = index.segments;
        const before = options.saved();
        const tidied = await options.tidy();
        if (index.segments.length < length || (await removeCertain())) return true;
        const segment = delivered();
        if (!segment) return false;
        // More was delivered meanwhile. Without a newer cursor another look would find the same, for ever.
        if (tidied && !covers(before, options.saved())) continue;
        // A cursor that cannot be saved must not cost records that nobody has. Only after a power cut, when nobody knows any more
        // that these were delivered, will their gap be seen.
        await close(segment);
        await drop(segment, 'probably delivered: the cursor could not be saved');
        return true;
      }
    },
    async dropOldest(reason) {
      const segment = oldestUndone(index, options.done(), options.written());
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
        const segment = oldestUndone(index, options.done(), options.written());
        if (!segment || !isAged(segment)) return;
        await close(segment);
        await drop(segment, 'older than --max-age');
      }
    },
  };
  return caps;
}
