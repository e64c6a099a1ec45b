import { type Part, rounded } from './part.ts';

/** Samples kept of a window; more readings than that are thinned out evenly. */
const samples = 60;
/** A line through two points says more of the noise than of the battery. */
const enough = 3;

interface Sample {
  time: number;
  temperatures: readonly number[];
}

/** Slope of the least-squares line of one sensor, °C a minute; NaN with too few samples. */
function slope(window: readonly Sample[], sensor: number): number {
  let n = 0;
  let sumX = 0;
  let sumY = 0;
  let sumXX = 0;
  let sumXY = 0;
  const origin = window[0]?.time ?? 0;
  for (const { time, temperatures } of window) {
    const y = temperatures[sensor] ?? Number.NaN;
    if (Number.isNaN(y)) continue;
    const x = (time - origin) / 60_000;
    n++;
    sumX += x;
    sumY += y;
    sumXX += x * x;
    sumXY += x * y;
  }
  const spread = n * sumXX - sumX * sumX;
  return n >= enough && spread > 0 ? (n * sumXY - sumX * sumY) / spread : Number.NaN;
}

/**
 * How warm it is from sensor to sensor (`temp_delta`), and how fast each of them gets warmer: the least-squares line through its values
 * of the last `window` milliseconds, by their own times. Begins anew with a restart.
 */
export function gradient(window: number): Part {
  let kept: Sample[] = [];
  let latest: readonly number[] | undefined;
  let next = Number.NEGATIVE_INFINITY;
  const apart = window / samples;

  return {
    take({ time, temperatures, temperature }) {
      latest = temperatures ?? (Number.isNaN(temperature) ? undefined : [temperature]);
      // Back from the future: what was kept is of no use.
      if (time < (kept.at(-1)?.time ?? time)) {
        kept = [];
        next = time;
      }
      if (!latest || time < next) return;
      next = time + apart;
      kept.push({ time, temperatures: latest });
      if (kept[0]!.time < time - window) kept = kept.filter((sample) => sample.time >= time - window);
    },
    report(into) {
      const known = latest?.filter((value) => !Number.isNaN(value)) ?? [];
      if (known.length > 1) into.temp_delta = rounded(Math.max(...known) - Math.min(...known), 2);
      const rates = (latest ?? []).map((_, sensor) => rounded(slope(kept, sensor), 3));
      const steepest = rates.filter((rate) => !Number.isNaN(rate)).sort((a, b) => Math.abs(b) - Math.abs(a))[0];
      if (steepest === undefined) return;
      into.temp_rate = steepest;
      if (rates.length > 1 && !rates.some(Number.isNaN)) into.temp_rates = rates;
    },
    save: () => undefined,
    load() {},
  };
}
