/** Which records are done with: all up to `upTo`, and the ranges above it. */
export interface Done {
  upTo: number;
  /** First and last, in order, never touching each other or `upTo`. */
  ranges: [first: number, last: number][];
}

/** Nothing above `upTo` is done. */
export const doneUpTo = (upTo: number): Done => ({ upTo, ranges: [] });

/** Adds the records `first` to `last`. */
export function addDone(done: Done, first: number, last: number): void {
  if (last <= done.upTo) return;
  const before = done.ranges.filter(([, end]) => end + 1 < first);
  const after = done.ranges.filter(([start]) => start > last + 1);
  const touching = done.ranges.slice(before.length, done.ranges.length - after.length);
  const start = Math.min(first, touching[0]?.[0] ?? first);
  const end = Math.max(last, touching.at(-1)?.[1] ?? last);
  done.ranges = [...before, [start, end], ...after];
  while (done.ranges[0] && done.ranges[0][0] <= done.upTo + 1) {
    done.upTo = Math.max(done.upTo, done.ranges.shift()![1]);
  }
}

/** The first record from `seq` on that is not done with. */
export function firstUndone({ upTo, ranges }: Done, seq: number): number {
  let at = Math.max(seq, upTo + 1);
  for (const [start, end] of ranges) if (at >= start && at <= end) at = end + 1;
  return at;
}

/** Whether all that is done with in `part` is so in `whole`, too. */
export const covers = (whole: Done, part: Done): boolean =>
  part.upTo <= whole.upTo && part.ranges.every(([first, last]) => firstUndone(whole, first) > last);

/** The last record before the next one that is done with, from `seq` on. */
export function lastUndone({ ranges }: Done, seq: number): number {
  const next = ranges.find(([start]) => start > seq);
  return next ? next[0] - 1 : Number.POSITIVE_INFINITY;
}

/** How many of the records up to `last` are not done with. */
export function countUndone({ upTo, ranges }: Done, last: number): number {
  const above = ranges.reduce((sum, [start, end]) => sum + Math.max(0, Math.min(end, last) - start + 1), 0);
  return Math.max(0, last - upTo - above);
}

/** How many of the records `first` to `last` are not done with. */
export const undoneBetween = (done: Done, first: number, last: number): number =>
  countUndone(done, last) - countUndone(done, first - 1);
