import type { Disk } from './disk.ts';
import { type Frame, readFrame, rescueFrame } from './frame.ts';
import { contentFrom, endOfLines } from './padding.ts';
import { quarantine } from './quarantine.ts';
import type { Segment } from './segments.ts';

const newline = 0x0a;

/** The end of a segment as a crash left it. */
export interface Tail {
  /** Number of the next record. Lines that are damaged keep theirs, so that the hole is seen. */
  next: number;
  /** Number of the newest record that is whole; below `first` when there is none. */
  newest: number;
  /** Bytes up to the end of the last whole line. */
  bytes: number;
  /** Bytes behind it, but for padding: what was being written when the power went. */
  torn: number;
}

/** Looks at the end of a segment. Reads backwards: one good line is enough. */
export function readTail(bytes: Buffer, first: number): Tail {
  const all = endOfLines(bytes);
  const written = bytes[all - 1] === newline ? all - 1 : all;
  const found: Frame = { seq: 0, json: 0 };
  const startOf = (end: number): number => (end > 1 ? bytes.lastIndexOf(newline, end - 2) + 1 : 0);
  const isGood = (start: number, end: number): boolean =>
    (readFrame(bytes, start, end - 1, found) || rescueFrame(bytes, start, end - 1, found) >= 0) && found.seq >= first;

  let end = bytes.lastIndexOf(newline) + 1;
  for (let last = endOfLines(bytes, end); last < end && last > 0 && !isGood(startOf(last), last); ) {
    end = startOf(last);
    last = endOfLines(bytes, end);
  }
  end = endOfLines(bytes, end);
  const tail = { bytes: end, torn: Math.max(0, written - end) };
  const behind = bytes.subarray(end, Math.max(end, all));
  let damaged = 0;
  for (let at = end; at > 0; at = startOf(at)) {
    if (isGood(startOf(at), at))
      return { ...tail, next: nextBehind(found.seq + damaged + 1, behind), newest: found.seq };
    if (startOf(at) < at - 1) damaged++;
  }
  return { ...tail, next: nextBehind(first + damaged, behind), newest: first - 1 };
}

/** What a line begins with. */
const beginning = /^[\da-f]{8} (\d{1,15}) /;
const beginningLength = 8 + 1 + 15 + 1;
const brace = 0x7d;

/**
 * The number that comes next when `next` would, but for what is torn behind it. A line there that ends as a record does was written to
 * its end, perhaps accepted, and damaged later: its number is not given again. No more numbers are believed than there are lines.
 */
function nextBehind(next: number, torn: Buffer): number {
  let most = next;
  let after = next;
  for (let start = 0, end = torn.indexOf(newline); end >= 0; end = torn.indexOf(newline, start)) {
    if (end > start) {
      const text = torn.toString('latin1', start, Math.min(end, start + beginningLength));
      const seq = Number(beginning.exec(text)?.[1] ?? -1);
      if (torn[end - 1] === brace && seq >= after && seq <= most) after = seq + 1;
      most++;
    }
    start = end + 1;
  }
  return after;
}

/**
 * Cuts off what a crash left half written, and padding. The piece goes to the quarantine. Where the disk does not let it be cut, `onUncut`
 * hears of it: whoever writes the segment cuts it before its next line.
 */
export async function mendTail(
  disk: Disk,
  folder: string,
  segment: Segment,
  onUncut: (error: NodeJS.ErrnoException) => void,
): Promise<Tail> {
  const bytes = disk.load(segment.path) ?? Buffer.alloc(0);
  const tail = readTail(bytes, segment.first);
  const { bytes: end, torn } = tail;
  if (torn > 0) quarantine(disk, folder, `${segment.first}-torn`, bytes.subarray(end, end + torn));
  segment.bytes = end;
  segment.ours = true;
  if (end < bytes.length) await cutAt(disk, segment).catch(onUncut);
  return tail;
}

async function cutAt(disk: Disk, { path, bytes, changed }: Segment): Promise<void> {
  const fd = await disk.openToWrite(path);
  try {
    await disk.truncate(fd, bytes, changed);
    await disk.sync(fd);
  } finally {
    await disk.close(fd);
  }
}

/**
 * How far a segment that another process may be writing is settled, seen from a line that is not good and ends just before `behind`: a
 * look that begins now finds it as it stays. Lines are written front to back, so what is before a whole line was written. What a crash
 * left unfinished behind the last one is not settled: it will be cut off, and its place used again.
 */
export async function settledBytes(disk: Disk, fd: number, { path, first }: Segment, behind: number): Promise<number> {
  const atEnd = (await contentFrom(disk, fd, behind)) === undefined && (await disk.size(fd)) !== behind;
  return atEnd ? 0 : readTail(disk.load(path) ?? Buffer.alloc(0), first).bytes;
}
