import { join } from 'node:path';
import type { Disk } from './disk.ts';
import { lengthOfLines } from './padding.ts';

/** A file of the log. */
export interface Segment {
  path: string;
  /** Sequence number of its first record; the name says it. */
  first: number;
  /** `log`: lines. `gap`: what was dropped, one `gap` record that stands for `first` to `last`. */
  kind: 'log' | 'gap';
  /** Number of the last record of a gap. Of a log it is one below the next segment's first. */
  last?: number;
  /** Of its lines: what pads the file is not counted. */
  bytes: number;
  /** When it was last written, in wall milliseconds; never less than that of a segment before it. */
  changed: number;
  /** When it was made, in wall milliseconds. */
  born: number;
  /** This process writes it, and knows better than the folder what it holds: what a failed write left behind its lines is none of them. */
  ours?: true;
}

const digits = 16;
/** A number as the names of files have it. */
export const digitsOf = (seq: number): string => String(seq).padStart(digits, '0');
const logName = /^(\d{16})\.log$/;
const gapName = /^(\d{16})-(\d{16})\.gap$/;

/** Where a file with a higher number comes from, only its maker knows: behind it there would soon be no number left. */
const highest = 9_000_000_000_000_000;

/** The file of the segment that begins with `first`. */
export const logFile = (folder: string, first: number): string => join(folder, `${digitsOf(first)}.log`);

/** The file that stands for the records `first` to `last`, which were dropped. */
export const gapFile = (folder: string, first: number, last: number): string =>
  join(folder, `${digitsOf(first)}-${digitsOf(last)}.gap`);

/**
 * The segments of a spool in order. A file of another name is left out. Of a gap and the log that it stands for, both there since
 * a crash came between, the log counts, unless it is empty; a gap inside a larger one counts for nothing.
 */
export function listSegments(disk: Disk, folder: string): Segment[] {
  const found: Segment[] = [];
  for (const { name, bytes, changed, born } of disk.entries(folder)) {
    const log = logName.exec(name);
    if (log && Number(log[1]) <= highest) {
      const path = join(folder, name);
      found.push({ path, first: Number(log[1]), kind: 'log', bytes: lengthOfLines(disk, path, bytes), changed, born });
    }
    const gap = gapName.exec(name);
    if (gap && Number(gap[2]) <= highest) {
      const [first, last] = [Number(gap[1]), Number(gap[2])];
      found.push({ path: join(folder, name), first, last, kind: 'gap', bytes, changed, born });
    }
  }
  const gaps = found.filter(({ kind }) => kind === 'gap');
  const isIn = ({ first }: Segment, gap: Segment): boolean => first >= gap.first && first <= gap.last!;
  const logs = found.filter((one) => one.kind === 'log' && (one.bytes > 0 || !gaps.some((gap) => isIn(one, gap))));
  const standing = gaps.filter(
    (gap) =>
      !logs.some((log) => isIn(log, gap)) &&
      !gaps.some((other) => other !== gap && other.first <= gap.first && other.last! >= gap.last!),
  );
  let newest = 0;
  return [...logs, ...standing]
    .sort((a, b) => a.first - b.first)
    .map((segment) => {
      // A clock that went backwards makes nothing older than what was written before it.
      newest = Math.max(newest, segment.changed);
      return { ...segment, changed: newest };
    });
}

/** The number of the last record that segment `index` can hold; Infinity for the log that is being written. */
export function lastOf(segments: readonly Segment[], index: number): number {
  const { last } = segments[index]!;
  if (last !== undefined) return last;
  const next = segments[index + 1];
  return next ? next.first - 1 : Number.POSITIVE_INFINITY;
}
