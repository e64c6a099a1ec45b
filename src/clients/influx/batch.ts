/** Lines that go in one request, and the inputs that are done with when they are. */
export interface Batch {
  /** Its place among all batches, and its ordinal in the ledger. */
  readonly order: number;
  /** The lines, each with its newline, in UTF-8. */
  body: Uint8Array;
  /** How many they are. */
  lines: number;
  /** Inputs that it stands for: those of its lines, and those before them that had none. */
  covers: number;
  /** It holds a point that an earlier batch may hold too, and must come after it. */
  mustFollow: boolean;
  /** Times of its first and last line in milliseconds. */
  from: number;
  to: number;
}

/** No lines. */
export const nothing = new Uint8Array();

/** An empty batch. */
export const emptyBatch = (order: number): Batch => ({
  order,
  body: nothing,
  lines: 0,
  covers: 0,
  mustFollow: false,
  from: 0,
  to: 0,
});
