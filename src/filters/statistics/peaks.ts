import { formatTime } from '../../records/time.ts';
import type { Part } from './part.ts';
import type { Reading } from './reading.ts';

/** The furthest value so far, and when it was; `NaN` before the first. */
interface Extreme {
  value: number;
  at: number;
}

interface Watched {
  of: 'voltage' | 'current' | 'power' | 'cellDelta' | 'soc';
  /** 1 looks for the highest, −1 for the lowest. */
  direction: 1 | -1;
  key: string;
  /** Says when under `<key>_at`. */
  timed: boolean;
  /** Counts only on its own side of 0, so that a peak begins at 0: one who never charges has no peak of charging. */
  signed: boolean;
}

/** Discharge is negative, here as everywhere. */
const watched: readonly Watched[] = [
  { of: 'current', direction: 1, key: 'peak_charge_current', timed: true, signed: true },
  { of: 'current', direction: -1, key: 'peak_discharge_current', timed: true, signed: true },
  { of: 'power', direction: 1, key: 'peak_charge_power', timed: true, signed: true },
  { of: 'power', direction: -1, key: 'peak_discharge_power', timed: true, signed: true },
  { of: 'voltage', direction: -1, key: 'voltage_min', timed: false, signed: false },
  { of: 'voltage', direction: 1, key: 'voltage_max', timed: false, signed: false },
  { of: 'cellDelta', direction: 1, key: 'cell_delta_max', timed: true, signed: false },
  { of: 'soc', direction: -1, key: 'soc_min', timed: false, signed: false },
  { of: 'soc', direction: 1, key: 'soc_max', timed: false, signed: false },
];

/** Peaks of current and power in both directions, with their times, and the range of what else is measured. */
export function peaks(): Part {
  const extremes: Extreme[] = watched.map(({ signed }) => ({ value: signed ? 0 : Number.NaN, at: Number.NaN }));
  let current = false;
  let power = false;

  const magnitude = (a: number, b: number): number =>
    Math.max(Math.abs(extremes[a]!.value), Math.abs(extremes[b]!.value));

  return {
    take(reading: Reading) {
      current ||= !Number.isNaN(reading.current);
      power ||= !Number.isNaN(reading.power);
      for (let i = 0; i < watched.length; i++) {
        const { of, direction } = watched[i]!;
        const extreme = extremes[i]!;
        const value = reading[of];
        if (direction === 1 ? value <= extreme.value : value >= extreme.value) continue;
        if (Number.isNaN(value)) continue;
        extreme.value = value;
        extreme.at = reading.time;
      }
    },
    report(into) {
      if (current) into.peak_current = magnitude(0, 1);
      if (power) into.peak_power = magnitude(2, 3);
      for (const [i, { key, timed }] of watched.entries()) {
        const { value, at } = extremes[i]!;
        if (Number.isNaN(at)) continue;
        into[key] = value;
        if (timed) into[`${key}_at`] = formatTime(at);
      }
    },
    save: () => ({
      current,
      power,
      extremes: Object.fromEntries(
        watched.flatMap(({ key }, i) => (Number.isNaN(extremes[i]!.at) ? [] : [[key, extremes[i]]])),
      ),
    }),
    load(saved) {
      const from = saved as { current?: boolean; power?: boolean; extremes?: Record<string, Extreme> };
      current = from.current === true;
      power = from.power === true;
      for (const [i, { key }] of watched.entries()) Object.assign(extremes[i]!, from.extremes?.[key]);
    },
  };
}
