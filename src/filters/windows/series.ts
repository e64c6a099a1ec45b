import type { OpenWindow } from './window.ts';

/** Moments of readings that are remembered at least, so that what is delivered twice counts once. */
export const remembered = 256;

/** Saves that a spool's own account of what was delivered may be behind: after a power cut it begins so far back. */
const savesBehind = 4;

/** The windows of one subject: what has one type and one identity. */
export interface Series {
  type: string;
  identity: Readonly<Record<string, unknown>>;
  /** Time of its newest reading, of those that are not ahead of the clock. */
  newest: number;
  windows: OpenWindow[];
  /** The moments of its last readings, in the order of their coming. */
  seen: number[];
  hasSeen(at: number): boolean;
  see(at: number): void;
  /** It is being saved: moments that came more than a few saves ago are forgotten. */
  saved(): void;
}

/**
 * A series without readings.
 *
 * @param most moments that it remembers at most
 */
export function createSeries(type: string, identity: Readonly<Record<string, unknown>>, most: number): Series {
  let known: Set<number> | undefined;
  let latest: number | undefined;
  /** How many moments there were at each of the last saves. */
  let marks: number[] = [];

  const forget = (count: number): void => {
    if (count <= 0) return;
    series.seen = series.seen.slice(count);
    marks = marks.map((mark) => Math.max(0, mark - count));
    known = undefined;
  };

  const series: Series = {
    type,
    identity,
    newest: Number.NEGATIVE_INFINITY,
    windows: [],
    seen: [],
    hasSeen(at) {
      latest ??= series.seen.reduce((one, other) => Math.max(one, other), Number.NEGATIVE_INFINITY);
      // What is later than all can't have been.
      if (at > latest) return false;
      known ??= new Set(series.seen);
      return known.has(at);
    },
    see(at) {
      if (latest !== undefined) latest = Math.max(latest, at);
      series.seen.push(at);
      known?.add(at);
      if (series.seen.length > most) forget(series.seen.length - most / 2);
    },
    saved() {
      marks.push(series.seen.length);
      if (marks.length <= savesBehind) return;
      forget(Math.min(marks.shift()!, series.seen.length - remembered));
    },
  };
  return series;
}
