import type { Part } from './part.ts';

type Phase = 'unknown' | 'down' | 'up';

/**
 * Charge cycles by the state of charge, which every monitor knows, also one without a current sensor: the battery went down and came up
 * again, each time by `swing` percentage points at least. Less is noise.
 */
export function cycles(swing: number): Part {
  let phase: Phase = 'unknown';
  let count = 0;
  /** The lowest since it goes down, the highest since it goes up; both while that is unknown. */
  let low = Number.NaN;
  let high = Number.NaN;

  return {
    take({ soc }) {
      if (Number.isNaN(soc)) return;
      if (phase !== 'up') {
        if (!(soc >= low)) low = soc;
        if (soc - low >= swing) {
          if (phase === 'down') count++;
          phase = 'up';
          high = soc;
          return;
        }
      }
      if (phase !== 'down') {
        if (!(soc <= high)) high = soc;
        if (high - soc >= swing) {
          phase = 'down';
          low = soc;
        }
      }
    },
    report(into) {
      if (!Number.isNaN(low)) into.charge_cycles = count;
    },
    // NaN is null in JSON.
    save: () => (Number.isNaN(low) ? undefined : { phase, count, low, high }),
    load(saved) {
      const from = saved as { phase: Phase; count: number; low: number; high: number | null };
      ({ phase, count, low } = from);
      high = from.high ?? Number.NaN;
    },
  };
}
