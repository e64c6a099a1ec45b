/** Samples kept of a window; more are thinned out evenly. */
const samples = 120;
const enough = 5;

/** A value over time, as JSON can keep it. */
export type TrendPoints = [time: number, value: number][];

/** Follows one value over a window of time. */
export interface Trend {
  take(time: number, value: number): void;
  /**
   * Slope of the least-squares line a millisecond; undefined until the points span half of the window: a slope out of an hour says
   * nothing of a week.
   */
  slope(): number | undefined;
  readonly points: TrendPoints;
}

/** @param over length of the window in milliseconds */
export function trend(over: number, points: TrendPoints = []): Trend {
  let kept = points;
  const apart = over / samples;
  return {
    take(time, value) {
      const last = kept.at(-1);
      if (last && time - last[0] < apart) return;
      kept.push([time, value]);
      if (kept[0]![0] < time - over) kept = kept.filter(([at]) => at >= time - over);
    },
    slope() {
      const [first] = kept;
      const last = kept.at(-1);
      if (!first || !last || kept.length < enough || last[0] - first[0] < over / 2) return undefined;
      const n = kept.length;
      const meanX = kept.reduce((sum, [time]) => sum + (time - first[0]), 0) / n;
      const meanY = kept.reduce((sum, [, value]) => sum + value, 0) / n;
      let cross = 0;
      let square = 0;
      for (const [time, value] of kept) {
        const x = time - first[0] - meanX;
        cross += x * (value - meanY);
        square += x * x;
      }
      return cross / square;
    },
    get points() {
      return kept;
    },
  };
}
