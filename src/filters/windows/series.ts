import type { Aggregates } from './aggregate.ts';
import type { WindowSize } from './calendar.ts';

/** A window that still takes values. */
export interface OpenWindow {
  size: WindowSize;
  start: number;
  end: number;
  /** Readings in it. */
  n: number;
  fields: Aggregates;
  /** What smaller windows said, by their time: each can be said again, corrected. */
  parts?: Record<string, { n: number; fields: Aggregates }>;
  /** Changed since it was last put out. */
  dirty: boolean;
}

/** Moments of readings that are remembered at least, so that what is delivered twice counts once. */
export const remembered = 256;

/** The windows of one subject: what has one type and one identity. A plain object but for its two methods, so that it can be saved. */
export interface Series {
  type: string;
  identity: Readonly<Record<string, unknown>>;
  /** Time of its newest reading. */
  newest: number;
  windows: OpenWindow[];
  /** The moments of its last readings, in the order of their coming. */
  seen: number[];
  hasSeen(at: number): boolean;
  see(at: number): void;
}

/** A series without readings. */
export function createSeries(type: string, identity: Readonly<Record<string, unknown>>): Series {
  let known: Set<number> | undefined;
  const series: Series = {
    type,
    identity,
    newest: Number.NEGATIVE_INFINITY,
    windows: [],
    seen: [],
    hasSeen(at) {
      // What is newer than all can't have been.
      if (at > series.newest) return false;
      known ??= new Set(series.seen);
      return known.has(at);
    },
    see(at) {
      if (at === series.newest) return;
      if (at > series.newest) series.newest = at;
      series.seen.push(at);
      known?.add(at);
      if (series.seen.length <= remembered * 2) return;
      series.seen = series.seen.slice(-remembered);
      known = undefined;
    },
  };
  return series;
}
