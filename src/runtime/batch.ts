import type { VoltRecord } from '../records/record.ts';

/** What flows between stages: a record, or a line of text from a command whose format is `text` or `json`. */
export type Item = VoltRecord | string;

/**
 * Items that are ready now, moved together: a generator costs 100 ns a record and stage, a batch nothing worth naming.
 *
 * `texts[i]` is the line that item `i` came in as, when it has not been changed since. `lines[i]` is its line number on stdin, or
 * its ordinal in the pipeline.
 */
export interface Batch {
  items: Item[];
  texts: (string | undefined)[];
  lines: number[];
  /** The bytes of all these lines as they came in, when nothing was skipped and nothing has been changed: written as they are. */
  raw?: readonly Buffer[] | undefined;
}

/** An empty batch. */
export function emptyBatch(): Batch {
  return { items: [], texts: [], lines: [] };
}

/** Where a stage gets its batches from: stdin's reader, or the stage before it. */
export interface Stream {
  /** The next batch that is ready, undefined at the end. Never rejects: a stage that fails ends, and its failure is reported by the pipeline. */
  next(): Promise<Batch | undefined>;
  /** Nobody will read on: the source of it stops. */
  cancel(): void;
  /** The first `count` items of this stream are safe on the far side. Counts only grow. */
  delivered(count: number): void;
  /** Nothing is lost when this stream is not read for a while: it is a file, or whoever fills it asked for acknowledgements. */
  readonly waits?: boolean;
}

/** An item as a line, without its newline. */
export function lineOf(item: Item, text: string | undefined): string {
  return text ?? (typeof item === 'string' ? item : JSON.stringify(item));
}
