import type { Disk } from './disk.ts';
import { type Frame, readFrame, rescueFrame } from './frame.ts';
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
  /** Bytes behind it: a line that was being written when the power went. */
  torn: number;
}

/** Looks at the end of a segment. Reads backwards: one good line is enough. */
export function readTail(bytes: Buffer, first: number): Tail {
  const end = bytes.lastIndexOf(newline) + 1;
  const found: Frame = { seq: 0, json: 0 };
  let damaged = 0;
  for (let at = end; at > 0; damaged++) {
    const start = at > 1 ? bytes.lastIndexOf(newline, at - 2) + 1 : 0;
    const whole = readFrame(bytes, start, at - 1, found) || rescueFrame(bytes, start, at - 1, found) >= 0;
    if (whole && found.seq >= first) {
      return { next: found.seq + damaged + 1, newest: found.seq, bytes: end, torn: bytes.length - end };
    }
    at = start;
  }
  return { next: first + damaged, newest: first - 1, bytes: end, torn: bytes.length - end };
}

/** Cuts off what a crash left half written. The piece goes to the quarantine. */
export async function mendTail(disk: Disk, folder: string, segment: Segment): Promise<Tail> {
  const bytes = disk.load(segment.path) ?? Buffer.alloc(0);
  const tail = readTail(bytes, segment.first);
  if (tail.torn > 0) {
    quarantine(disk, folder, `${segment.first}-torn`, bytes.subarray(tail.bytes));
    const fd = await disk.append(segment.path);
    try {
      await disk.truncate(fd, tail.bytes);
      await disk.sync(fd);
    } finally {
      await disk.close(fd);
    }
  }
  segment.bytes = tail.bytes;
  return tail;
}
