import type { Reading } from './reading.ts';

/** One thing that is kept of a device's readings. */
export interface Part {
  /** Takes a reading; they come in the order of their time. */
  take(reading: Reading): void;
  /** Puts into a record what is known; what is not stays absent. */
  report(into: Record<string, unknown>): void;
  /** What outlives a restart, as JSON; undefined when a restart begins anew. */
  save(): unknown;
  /** Takes up what {@link Part.save} gave. */
  load(saved: unknown): void;
}

/** Rounds to so many digits, so that sums don't end in noise. */
export function rounded(value: number, digits: number): number {
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale;
}
