import { type Part, rounded } from './part.ts';
import type { Reading } from './reading.ts';

const averaged = [
  { of: 'voltage', key: 'voltage_avg', digits: 3 },
  { of: 'current', key: 'current_avg', digits: 3 },
  { of: 'power', key: 'power_avg', digits: 1 },
  { of: 'temperature', key: 'temperature_avg', digits: 2 },
] as const satisfies readonly { of: keyof Reading; key: string; digits: number }[];

/** Moving averages over the last `size` readings that have the value. They begin anew with a restart. */
export function averages(size: number): Part {
  const rings = averaged.map(() => ({ values: new Float64Array(size), count: 0 }));
  return {
    take(reading) {
      for (let i = 0; i < averaged.length; i++) {
        const value = reading[averaged[i]!.of];
        const ring = rings[i]!;
        if (!Number.isNaN(value)) ring.values[ring.count++ % size] = value;
      }
    },
    report(into) {
      for (const [i, { key, digits }] of averaged.entries()) {
        const { values, count } = rings[i]!;
        const filled = Math.min(count, size);
        if (filled === 0) continue;
        let sum = 0;
        for (let at = 0; at < filled; at++) sum += values[at]!;
        into[key] = rounded(sum / filled, digits);
      }
    },
    save: () => undefined,
    load() {},
  };
}
