import type { Clock } from '../runtime/clock.ts';
import type { Disk } from './disk.ts';
import type { Index } from './index.ts';
import { blankLines, paddedTo } from './padding.ts';
import { logFile, type Segment } from './segments.ts';
import type { Numbers, Withdrawn } from './withdrawn.ts';

/** What a tip is made of. */
export interface TipOptions {
  disk: Disk;
  index: Index;
  clock: Clock;
  /** Number behind the last record of the newest segment. */
  upcoming: number;
  /** A segment that is longer gives way to a new one: asked for each, since the room on the disk changes. */
  segmentBytes(): number;
  /** So does one that was begun longer ago than this, in milliseconds: records are given up for their age by segments. */
  segmentAge: number | undefined;
  /** All segments together, padding included, take no more than that. */
  maxBytes: number;
  /** Each commit is synced: it shall not have to make the file longer. */
  padded: boolean;
  /** Another process may read while this one writes. */
  withdrawn?: Withdrawn;
  /** Makes what is in the open file durable. */
  commit(): Promise<void>;
}

/** The segment that is being written. */
export interface Tip {
  /** Its file, when one is open. */
  fd(): number | undefined;
  /** Bytes that its file has beyond its lines. */
  readonly padding: number;
  /**
   * Writes the lines of records with these numbers behind those that are there; none of them stays there when that fails. A segment
   * that is full gives way to a new one, if it can at the beginning of a commit: so that one commit needs one sync.
   */
  append(bytes: Buffer, numbers: Numbers, beginning: boolean): Promise<void>;
  /** Ends it: the next record begins a new one, or goes on in this one if that is not full. */
  roll(): Promise<void>;
  /** Removes it when nothing is in it: what it was begun for is given up. */
  discard(): Promise<void>;
  /** Ends it for good. False: nothing is in it. */
  seal(): Promise<boolean>;
  close(): Promise<void>;
}

interface Open {
  fd: number;
  segment: Segment;
  /** Length of the file: what is behind the lines of the segment is padding. */
  length: number;
  padded: boolean;
}

/** What a segment may grow beyond its size within one commit, where segments are large enough for that. */
const slack = 1024 * 1024;

/** What the system says of a file that belongs to another user: what comes goes into a segment of our own. */
const foreign = new Set(['EACCES', 'EPERM']);

/** Opens and ends segments. */
export function createTip(options: TipOptions): Tip {
  const { disk, index, clock, segmentBytes, segmentAge, maxBytes, padded, withdrawn, commit } = options;
  let open: Open | undefined;
  /** A segment that the system lets grow no further. */
  let sealed: string | undefined;
  let size = segmentBytes();
  /** Records of which lines may be behind those that count. */
  let shown: Numbers | undefined;
  let { upcoming } = options;

  /** Whether a record may follow in the newest segment: a reader elsewhere may stand where other lines were, and would see but the end of it. */
  const follows = (first: number): boolean => first === upcoming || !withdrawn;

  const isOld = ({ bytes, born }: Segment): boolean =>
    segmentAge !== undefined && bytes > 0 && clock.now() - born > segmentAge;

  /** Leaves nothing but the lines. */
  const cut = async (tip: Open): Promise<void> => {
    const { bytes, changed } = tip.segment;
    if (tip.length === bytes) return;
    if (shown) await withdrawn?.note(shown);
    shown = undefined;
    await disk.truncate(tip.fd, bytes, changed);
    tip.length = bytes;
  };

  const close = async (): Promise<void> => {
    const was = open;
    open = undefined;
    if (!was) return;
    // Padding that stays is left out by whoever reads.
    await cut(was).catch(() => {});
    await disk.close(was.fd);
  };

  const roll = async (): Promise<void> => {
    if (!open) return;
    await commit();
    await close();
  };

  const openAt = async (fd: number, segment: Segment): Promise<Open> => {
    open = { fd, segment, length: await disk.size(fd), padded };
    try {
      // What an earlier cut left behind the lines need not be padding.
      await cut(open);
      return open;
    } catch (error) {
      await close();
      throw error;
    }
  };

  /** For everybody else a segment ends before the gap that stands behind it: it may be gone at any moment. */
  const leave = async (segment: Segment): Promise<void> => {
    await roll();
    if (segment.bytes === 0) index.remove(segment);
  };

  const segmentFor = async (length: number, first: number, beginning: boolean): Promise<Open> => {
    const limit = beginning || size < 2 * slack ? size : size + slack;
    if (open && (index.segments.at(-1) !== open.segment || !follows(first) || isOld(open.segment)))
      await leave(open.segment);
    if (open && open.segment.bytes > 0 && open.segment.bytes + length > limit) await roll();
    if (open) return open;
    const last = index.segments.at(-1);
    // An empty one of that name may be open in a reader already, which would never see another file in its place.
    const fits =
      last && ((last.bytes + length <= size && follows(first)) || (last.bytes === 0 && last.first === first));
    if (fits && last.kind === 'log' && last.path !== sealed && last.first <= first && !isOld(last)) {
      const fd = await disk.openToWrite(last.path).catch((error: NodeJS.ErrnoException) => {
        if (last.bytes === 0 || !foreign.has(error.code ?? '')) throw error;
      });
      if (fd !== undefined) return openAt(fd, last);
    }
    if (last?.kind === 'log' && last.bytes === 0) index.remove(last);
    const path = logFile(index.folder, first);
    const fd = await disk.create(path);
    size = segmentBytes();
    const segment: Segment = {
      path,
      first,
      kind: 'log',
      bytes: 0,
      changed: clock.now(),
      born: clock.now(),
      ours: true,
    };
    index.add(segment);
    upcoming = first;
    return openAt(fd, segment);
  };

  /** Sees to it that lines of `length` bytes lie on padding that goes on behind them, or that there is none. */
  const prepare = async (tip: Open, length: number, beginning: boolean): Promise<void> => {
    const { bytes } = tip.segment;
    const end = bytes + length;
    if (end < tip.length) return;
    const room = Math.min(size, bytes + maxBytes - index.bytes());
    const to = tip.padded && beginning ? paddedTo(end, length, room) : undefined;
    if (to !== undefined) {
      const from = tip.length;
      tip.length = to;
      try {
        return await disk.write(tip.fd, blankLines(to - from), from);
      } catch {
        // The lines themselves may have room.
        tip.padded = false;
      }
    }
    await cut(tip);
  };

  return {
    fd: () => open?.fd,
    get padding() {
      return open ? open.length - open.segment.bytes : 0;
    },
    async append(bytes, numbers, beginning) {
      const tip = await segmentFor(bytes.length, numbers.first, beginning);
      const { fd, segment } = tip;
      const start = segment.bytes;
      try {
        await prepare(tip, bytes.length, beginning);
        await disk.write(fd, bytes, start);
      } catch (error) {
        segment.bytes = start;
        tip.length = Number.POSITIVE_INFINITY;
        if ((await disk.size(fd).catch(() => Number.POSITIVE_INFINITY)) > start) shown = numbers;
        await cut(tip).catch(roll);
        throw error;
      }
      withdrawn?.forget();
      shown = undefined;
      segment.bytes = start + bytes.length;
      upcoming = numbers.last + 1;
      tip.length = Math.max(tip.length, segment.bytes);
      segment.changed = clock.now();
    },
    roll,
    async discard() {
      const last = index.segments.at(-1);
      if (last?.kind !== 'log' || last.bytes > 0) return;
      await close();
      index.remove(last);
    },
    async seal() {
      if (!open || open.segment.bytes === 0) return false;
      sealed = open.segment.path;
      await roll();
      return true;
    },
    close,
  };
}
