import type { Encoder } from '../../protocols/influx/encoder.ts';
import { type Batch, emptyBatch } from './batch.ts';

/** Puts lines together into batches. */
export interface Packer {
  /** The batch that grows. */
  readonly open: Batch;
  /** Bytes in it. */
  readonly size: number;
  /** Adds the line that the encoder has just made. */
  add(line: string): void;
  /** An input that has no line, or shares the fate of those before it. */
  cover(): void;
  /** Takes the batch out; a new one begins. */
  cut(): Batch;
}

const newline = 10;
/** Bytes that a batch gets at first. */
const usual = 64 * 1024;
/** Series that are remembered. */
const remembered = 20_000;

/**
 * Two requests may overtake one another. That is no harm unless both hold the same point: the last one written would win. A batch with
 * a point that is not newer than all of its series before it is marked, so that it waits for those before it.
 */
export function createPacker(encoder: Pick<Encoder, 'series' | 'time' | 'stamp'>): Packer {
  const newest = new Map<string, number>();
  let order = 0;
  let open = emptyBatch(order);
  // Lines are written into it one by one: one text of thousands of pieces would have to be put together at once.
  let bytes = Buffer.allocUnsafeSlow(usual);
  let size = 0;

  /** A UTF-16 unit is three bytes at most. */
  const makeRoom = (line: string): void => {
    const needed = size + line.length * 3 + 1;
    if (needed <= bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, bytes.length * 2));
    bytes.copy(larger, 0, 0, size);
    bytes = larger;
  };

  return {
    get open() {
      return open;
    },
    get size() {
      return size;
    },
    add(line) {
      const { series, time, stamp } = encoder;
      if (open.lines === 0) open.from = time;
      open.to = time;
      makeRoom(line);
      size += bytes.write(line, size);
      bytes[size++] = newline;
      open.lines++;
      open.covers++;
      const before = newest.get(series);
      if (before !== undefined && stamp <= before) open.mustFollow = true;
      else newest.set(series, stamp);
    },
    cover() {
      open.covers++;
    },
    cut() {
      const batch = open;
      // A small batch does not hold the room of a large one.
      batch.body = size * 2 < bytes.length ? Uint8Array.prototype.slice.call(bytes, 0, size) : bytes.subarray(0, size);
      if (batch.body.buffer === bytes.buffer) bytes = Buffer.allocUnsafeSlow(Math.max(usual, bytes.length));
      size = 0;
      order++;
      open = emptyBatch(order);
      if (newest.size > remembered) {
        // What comes now can't be compared with what is on its way.
        newest.clear();
        open.mustFollow = true;
      }
      return batch;
    },
  };
}
