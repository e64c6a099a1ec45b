import type { Done } from './done.ts';
import { countWaiting, type Index, oldestUndone } from './index.ts';

/** How a spool is at the moment, for metrics. */
export interface Status {
  /** Records that wait for delivery. */
  backlog: number;
  bytes: number;
  segments: number;
  /** When the oldest segment with undelivered records was last written, in wall milliseconds; undefined: there is none. */
  oldest: number | undefined;
}

/** @param newest number of the newest record */
export function statusOf(index: Index, done: Done, newest: number): Status {
  const backlog = Math.max(0, countWaiting(index, done, newest));
  const oldest = backlog > 0 ? oldestUndone(index, done, Number.POSITIVE_INFINITY)?.changed : undefined;
  return { backlog, bytes: index.bytes(), segments: index.segments.length, oldest };
}
