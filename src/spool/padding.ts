import type { Disk } from './disk.ts';

/*
 * A sync that finds a file longer than it was costs a commit of the file system's journal besides. So the segment that is being written is
 * made longer in steps, filled with newlines, and lines are written over these. Blank lines are no records, and no tool minds them.
 *
 * Lines lie either wholly on padding, with at least one newline behind them, or at the end of a file that has none. So whatever is left
 * of a line that was not written to its end is followed by a blank line, or by nothing, not even a newline; and what has its newline
 * and then the end of the file, or another line, was written.
 */

const newline = 0x0a;
/** A segment is made longer by so much at once. */
const step = 256 * 1024;
/** Padding ends at a multiple of this. A file of another length has none: most need not be looked at. */
const page = 4096;
/** Of what is written together and is longer than this, the padding would cost more than the journal. */
const worthwhile = 16 * 1024;

const blank = Buffer.alloc(step + worthwhile, newline);
const blankPage = blank.subarray(0, page);

/** So many newlines; never more than {@link paddedTo} asks for. */
export const blankLines = (bytes: number): Buffer => blank.subarray(0, bytes);

/**
 * How long a file should be made before lines of `length` bytes that end at `end` are written to it.
 *
 * @param most it may be no longer than that
 * @returns undefined: padding is not worth it, or has no room
 */
export function paddedTo(end: number, length: number, most: number): number | undefined {
  const to = Math.floor(Math.min(end + step, most) / page) * page;
  return length <= worthwhile && to > end ? to : undefined;
}

/** Where the lines end: behind the newline of the last one. What follows up to `end` is blank. */
export function endOfLines(bytes: Buffer, end = bytes.length): number {
  let at = end;
  while (at >= page && blankPage.equals(bytes.subarray(at - page, at))) at -= page;
  while (at > 0 && bytes[at - 1] === newline) at--;
  return at > 0 && at < end ? at + 1 : at;
}

/** Bytes of the lines in a segment that somebody may be writing. */
export function lengthOfLines(disk: Pick<Disk, 'peek'>, path: string, bytes: number): number {
  if (bytes % page !== 0) return bytes;
  for (let end = bytes; end > 0; end -= step) {
    const from = Math.max(0, end - step);
    // One byte more: it may be the newline of a line that ends before it.
    const found = endOfLines(disk.peek(path, from, end - from + 1));
    if (found > 0) return from + found;
  }
  return 0;
}

/** Position of the first byte from `at` on that is no newline; undefined: there is none. */
export async function contentFrom(disk: Pick<Disk, 'read'>, fd: number, at: number): Promise<number | undefined> {
  const piece = Buffer.allocUnsafe(step / 4);
  for (let from = at; ; ) {
    const count = await disk.read(fd, piece, 0, from);
    if (count === 0) return undefined;
    const found = firstContent(piece.subarray(0, count));
    if (found >= 0) return from + found;
    from += count;
  }
}

function firstContent(bytes: Buffer): number {
  let at = 0;
  while (at + page <= bytes.length && blankPage.equals(bytes.subarray(at, at + page))) at += page;
  while (at < bytes.length && bytes[at] === newline) at++;
  return at < bytes.length ? at : -1;
}
