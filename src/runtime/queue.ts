import type { VoltRecord } from '../records/record.ts';

/** How a queue behaves when it is full. */
export interface QueueOptions {
  /** Records held at most. */
  max: number;
  /** `pause`: `onPause` is called, the producer must stop until `onResume`. `drop-oldest`: the oldest goes, counted, and a `gap` record takes its place. */
  policy: 'pause' | 'drop-oldest';
  /** `source` of the gap records. */
  source?: string;
  onPause?: () => void;
  onResume?: () => void;
}

/** Between something that pushes and a generator that pulls. */
export interface Queue extends AsyncIterable<VoltRecord> {
  /** Puts a record in; never waits. */
  push(record: VoltRecord): void;
  /** No more records: the iteration ends after what is in it. */
  end(): void;
  /** The iteration throws `error` after what is in it. */
  fail(error: Error): void;
  /** Ends with this work: the iteration throws what it rejects with. Resolves when it is over; never rejects. */
  endWith(work: Promise<unknown>): Promise<void>;
  readonly size: number;
}
