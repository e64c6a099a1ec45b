import type { VoltRecord } from '../records/record.ts';
import { fail } from '../runtime/exit.ts';
import { codeOf, inWords } from '../runtime/system-error.ts';
import type { Disk } from './disk.ts';
import { type Frame, readFrame, rescueFrame } from './frame.ts';
import { type Dropped, gapRecord, readGap } from './gaps.ts';
import type { Index } from './index.ts';
import { quarantine } from './quarantine.ts';
import type { Segment } from './segments.ts';
import { settledBytes } from './tail.ts';

/** Records in order, ready to go out. Valid until the next one is asked for: its bytes are used again. */
export interface Chunk {
  /** Whole lines of JSON. */
  bytes: Buffer;
  /** How many lines. */
  lines: number;
  /** Numbers of the first and the last record that the lines stand for: a gap is one line for many. */
  first: number;
  last: number;
  /** The line is a `gap` record. */
  gap?: VoltRecord;
}

/** How much of the log is asked for. */
export interface Limits {
  /** Ends before records above this number. */
  upTo?: number;
  /** At most so many lines. */
  lines?: number;
}

/** Reads a log from a record on, over all its segments. */
export interface Reader {
  /** The next records; undefined when there are none at the moment. */
  next(limits?: Limits): Promise<Chunk | undefined>;
  /** Goes on with this record. */
  seek(seq: number): Promise<void>;
  /** Tells that the records up to `last` are nowhere. */
  missing(last: number): Chunk;
  /** Number of the record that comes next. */
  readonly wanted: number;
  close(): Promise<void>;
}

/** What a reader is made of. */
export interface ReaderOptions {
  disk: Disk;
  index: Index;
  /**
   * Number of the last record that this process has written. Absent: another process writes, and the folder is looked at when the end
   * is reached.
   */
  written?(): number;
  from: number;
  now(): number;
  /** A piece was damaged and is left out; `kept`: it is in the quarantine now. */
  onDamaged?(bytes: number, kept: boolean): void;
}

const piece = 256 * 1024;
/** So much is read where little is expected. */
const glance = 8 * 1024;
const newline = 0x0a;
/** No line is longer: 1 MiB of record and its frame. */
const longest = 1024 * 1024 + 64;

/** A segment of which nothing can be read is no damaged one: it stays, and so does what is behind it. */
const unreadable = ({ path }: Segment, error: unknown): Error =>
  fail('io', `${path}: cannot be read: ${inWords(error)}`, 'It stays as it is, and all behind it.', error);

/** Makes a reader. It opens nothing before the first `next`. */
export function createReader({ disk, index, written, from, now, onDamaged }: ReaderOptions): Reader {
  let wanted = from;
  let segment: Segment | undefined;
  let fd: number | undefined;
  let offset = 0;
  /** Before this, a second look finds the segment as it stays. Behind it, a line that is not good may be one that is being written. */
  let settled = 0;
  /** Nothing was behind a blank line at the last look: what is written from now on begins there, and leaves no hole. */
  let noHoles = false;
  /** There was nothing more at the last look. */
  let waiting = false;
  let buffer = Buffer.allocUnsafeSlow(piece);
  const found: Frame = { seq: 0, json: 0 };

  const leave = async (): Promise<void> => {
    if (fd !== undefined) await disk.close(fd);
    fd = undefined;
    segment = undefined;
  };

  /** The segment that holds `wanted`, or the next one there is. */
  const find = (): Segment | undefined => {
    const at = index.segments.findLastIndex(({ first }) => first <= wanted);
    const here = index.segments[at];
    if (here && !(here.kind === 'gap' && here.last! < wanted)) return here;
    return index.segments[at + 1];
  };

  /** What comes behind the open segment: the next one, or the gap in its place. */
  const following = (): Segment | undefined =>
    index.segments.find(({ first, last }) => first > segment!.first || (last !== undefined && last >= wanted));

  /** It was given up: what has not been read of it counts as dropped, and its room is held no longer. */
  const isGone = (): boolean => written !== undefined && segment !== undefined && !index.segments.includes(segment);

  const allRead = (): boolean => offset >= segment!.bytes;

  const gapOf = (dropped: Dropped): Chunk => {
    const record = gapRecord(dropped, now());
    const bytes = Buffer.from(`${JSON.stringify(record)}\n`);
    wanted = dropped.last + 1;
    return { bytes, lines: 1, first: dropped.first, last: dropped.last, gap: record };
  };

  const hole = (last: number): Chunk => gapOf({ first: wanted, last, reason: 'lost or damaged on disk' });

  const damaged = (start: number, end: number): void => {
    if (end <= start) return;
    const name = segment!.path.slice(segment!.path.lastIndexOf('/') + 1);
    const kept = quarantine(disk, index.folder, `${name}-${offset + start}`, buffer.subarray(start, end));
    onDamaged?.(end - start, kept);
  };

  /** Takes whole lines out of `buffer[0, end)`; moves their JSON to its front. */
  const take = (end: number, limits: Limits): Chunk | undefined => {
    const { upTo = Number.POSITIVE_INFINITY, lines: most = Number.POSITIVE_INFINITY } = limits;
    let out = 0;
    let lines = 0;
    let start = 0;
    /** Where damaged lines begin that are neighbours: they are one piece. */
    let bad: number | undefined;
    const first = wanted;
    for (let stop = buffer.indexOf(newline, start); stop >= 0 && stop < end; stop = buffer.indexOf(newline, start)) {
      let good = readFrame(buffer, start, stop, found);
      if (!good && offset + stop >= settled) break;
      if (!good && stop > start) {
        bad ??= start;
        const at = rescueFrame(buffer, start, stop, found);
        good = at >= 0;
        // What was damaged is behind us, whatever comes of the line that was saved.
        if (good) start = at;
      }
      if (bad !== undefined && (good || stop === start)) {
        damaged(bad, start);
        bad = undefined;
      }
      if (good && found.seq >= wanted) {
        if (found.seq > wanted || found.seq > upTo || lines >= most) break;
        const length = stop + 1 - found.json;
        buffer.copyWithin(out, found.json, stop + 1);
        out += length;
        lines++;
        wanted++;
      }
      start = stop + 1;
    }
    if (bad !== undefined) damaged(bad, start);
    offset += start;
    return lines > 0 ? { bytes: buffer.subarray(0, out), lines, first, last: wanted - 1 } : undefined;
  };

  /** The record behind a hole, as the last look at the buffer left it. */
  const behindHole = (end: number): number | undefined => {
    const stop = buffer.indexOf(newline);
    return stop >= 0 && stop < end && readFrame(buffer, 0, stop, found) && found.seq > wanted ? found.seq : undefined;
  };

  /** Finds out whether a line that is not good is one that is being written. False: it may be. */
  const settle = async (end: number): Promise<boolean> => {
    const stop = buffer.indexOf(newline);
    if (stop < 0 || stop >= end || (stop === 0 && noHoles) || readFrame(buffer, 0, stop, found)) return false;
    settled = await settledBytes(disk, fd!, segment!, offset + stop + 1);
    noHoles = stop === 0 && settled === 0;
    return offset + stop < settled;
  };

  const read = (into: Buffer, at: number): Promise<number> =>
    disk.read(fd!, into, at, offset + at).catch((error) => {
      throw unreadable(segment!, error);
    });

  /** Reads on in the open segment. `end`: there is nothing more in it now. */
  const readOn = async (limits: Limits): Promise<Chunk | 'end' | 'again'> => {
    let end = 0;
    let bound = 0;
    for (;;) {
      // What this process writes while it reads may be read before it is there.
      bound = written ? segment!.bytes : Number.POSITIVE_INFINITY;
      const into = waiting && end === 0 ? buffer.subarray(0, glance) : buffer;
      const room = Math.max(0, bound - offset - end);
      const count = Math.min(await read(into, end), room);
      end += count;
      if (count === 0 || buffer.subarray(0, end).includes(newline)) break;
      if (end > longest) {
        damaged(0, end);
        offset += end;
        return 'again';
      }
      if (end === buffer.length) buffer = Buffer.concat([buffer, Buffer.allocUnsafeSlow(buffer.length)]);
    }
    if (end === 0) {
      if (offset > (written ? bound : await disk.size(fd!))) {
        offset = 0;
        return 'again';
      }
      return 'end';
    }
    const before = offset;
    const chunk = take(end, limits);
    if (chunk) return chunk;
    if (offset > before) return 'again';
    const behind = behindHole(end);
    if (behind === undefined) return (await settle(end)) ? 'again' : 'end';
    return limits.upTo !== undefined && wanted > limits.upTo
      ? 'end'
      : hole(Math.min(behind - 1, limits.upTo ?? behind));
  };

  return {
    get wanted() {
      return wanted;
    },
    missing: hole,
    async seek(seq) {
      if (seq === wanted) return;
      const stays = segment?.kind === 'log' && seq > wanted && seq < (following()?.first ?? Number.POSITIVE_INFINITY);
      wanted = seq;
      if (!stays) await leave();
    },
    async next(limits = {}) {
      const { upTo = Number.POSITIVE_INFINITY } = limits;
      let looked = false;
      while (wanted <= upTo) {
        if (isGone()) await leave();
        if (!segment) {
          if (!written) index.refresh();
          const next = find();
          if (!next) return undefined;
          if (next.kind === 'gap') {
            if (next.first > wanted) return hole(Math.min(next.first - 1, upTo));
            const { from, ...gap } = readGap(disk, next);
            // Of a gap that is entered in its middle, nobody knows when its first record was taken.
            const begins = wanted === next.first && from !== undefined ? { from } : {};
            return gapOf({ ...gap, ...begins, first: wanted, last: Math.min(gap.last, upTo) });
          }
          if (next.first > wanted) return hole(Math.min(next.first - 1, upTo));
          try {
            fd = await disk.openToRead(next.path);
          } catch (error) {
            if (codeOf(error) !== 'ENOENT') throw unreadable(next, error);
            index.refresh();
            continue;
          }
          segment = next;
          offset = 0;
          settled = written ? Number.POSITIVE_INFINITY : 0;
          noHoles = false;
        }
        const got = await readOn(limits);
        waiting = got === 'end';
        if (got === 'again') continue;
        if (got !== 'end') return got;
        if (!written && !following()) index.refresh();
        const next = following();
        // What is damaged at the very end has no record behind it that would show the hole.
        if (!next) return written && allRead() && wanted <= written() ? hole(Math.min(written(), upTo)) : undefined;
        // Its writer was done with it before the next one was there, so one more look finds all.
        if (!looked) {
          looked = true;
          settled = Number.POSITIVE_INFINITY;
          continue;
        }
        looked = false;
        damaged(0, await leftOver());
        await leave();
        if (wanted < next.first) return hole(Math.min(next.first - 1, upTo));
      }
      return undefined;
    },
    close: leave,
  };

  /** Bytes behind the last newline of a segment that nobody writes any more. */
  async function leftOver(): Promise<number> {
    const count = await disk.read(fd!, buffer, 0, offset);
    return buffer.subarray(0, count).includes(newline) ? 0 : count;
  }
}
