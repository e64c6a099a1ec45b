import type { Encoder } from '../../protocols/influx/encoder.ts';
import type { VoltRecord } from '../../records/record.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Batch } from './batch.ts';
import type { Connection } from './connection.ts';
import type { Delivery, Reject } from './delivery.ts';
import type { Notes } from './notes.ts';

/** What a writer is made of. */
export interface WriterOptions {
  connection: Connection;
  encoder: Encoder;
  clock: Clock;
  notes: Notes;
  /** Lines in a request at most. */
  batch: number;
  /** Milliseconds that a line waits for others. */
  flush: number;
  /** Inputs held at most. */
  queue: number;
  /** While the server takes nothing and the queue is full: the oldest go, or no more is read. */
  onUnavailable(): 'drop' | 'block';
  /** Requests under way at once. */
  inFlight: number;
  maxBisect: number;
  createDatabase: boolean;
  /** Milliseconds that a server is tried which takes nothing after the end of input, or has no such page from the start. */
  patience: number;
  /** Ends all waiting. */
  deadline: AbortSignal;
  random?: () => number;
  onDelivered(n: number): void;
  /** Keeps rejected lines; rejects when it can't. */
  onRejects(rejects: readonly Reject[]): Promise<void>;
  onDelivery(batch: Batch, delivery: Delivery): void;
}

/** How it ended. */
export interface WriterEnd {
  /** Inputs that were not delivered. */
  unsent: number;
  /** Records that were given up because the queue was full. */
  dropped: number;
  /** Lines that the server rejected. */
  rejected: number;
  /** Why the rest is unsent, in the server's words. */
  why: string;
}

/** Writes lines to a server, in batches, with what was said of order and loss in influx-write(1). */
export interface Writer {
  /** With a promise it asks for no more records until that resolves. */
  take(record: VoltRecord): Promise<void> | undefined;
  /** No more records come: sends what waits and ends. */
  finish(): Promise<WriterEnd>;
  /** Tries at once what waits for its time. */
  hurry(): void;
  /** Rejects with what makes going on pointless. */
  readonly failed: Promise<never>;
  close(): void;
}
