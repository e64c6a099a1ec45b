import type { Encoder } from '../../protocols/influx/encoder.ts';
import { createTextBytes } from '../text-bytes.ts';
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
  const bytes = createTextBytes();

  return {
    get open() {
      return open;
    },
    get size() {
      return bytes.size;
    },
    add(line) {
      const { series, time, stamp } = encoder;
      if (open.lines === 0) open.from = time;
      open.to = time;
      bytes.text(line);
      bytes.byte(newline);
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
      batch.body = bytes.take();
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
