/** Spans of time, in order, never touching: start and end of each, in milliseconds. */
export type Ranges = [start: number, end: number][];

/** Ranges that are kept apart; of more the two oldest become one, with what lies between them. */
const most = 256;

/** Whether a moment lies in one of the ranges. */
export const covers = (ranges: Readonly<Ranges>, at: number): boolean =>
  ranges.some(([start, end]) => at >= start && at < end);

/** Adds the span from `start` to `end`. */
export function addRange(ranges: Ranges, start: number, end: number): void {
  const before = ranges.filter((range) => range[1] < start);
  const after = ranges.filter((range) => range[0] > end);
  const touching = ranges.slice(before.length, ranges.length - after.length);
  const joined: Ranges[number] = [
    Math.min(start, touching[0]?.[0] ?? start),
    Math.max(end, touching.at(-1)?.[1] ?? end),
  ];
  ranges.splice(0, ranges.length, ...before, joined, ...after);
  const [first, second] = ranges;
  if (ranges.length > most && first && second) ranges.splice(0, 2, [first[0], second[1]]);
}
