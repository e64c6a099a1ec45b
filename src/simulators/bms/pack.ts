import type { Clock } from '../../runtime/clock.ts';

/** How a simulated battery is set up. */
export interface PackOptions {
  /** Number of cells in series (default 16). */
  cells?: number;
  /** Current in A, + charging (default −12.3). */
  current?: number;
  /** State of charge in % at the start (default 81). */
  soc?: number;
  /** Capacity in Ah (default 280). */
  capacity?: number;
  /** Temperature sensors in °C; −40 is a sensor that is missing (default two). */
  temperatures?: readonly number[];
}

/** A simulated battery. Its charge follows its current. */
export interface Pack {
  /** What a monitor measures now. */
  measure(): Measurement;
  charge: boolean;
  discharge: boolean;
  /** A switch was turned off by a command. */
  locked: boolean;
}

/** What a monitor measures. */
export interface Measurement {
  /** mV each. */
  cells: number[];
  /** mV. */
  voltage: number;
  /** mA, + charging. */
  current: number;
  /** %. */
  soc: number;
  /** mAh. */
  remaining: number;
  /** mAh. */
  capacity: number;
  cycles: number;
  /** °C. */
  temperatures: readonly number[];
  /** Numbers of the cells that are balanced, from 1. */
  balancing: number[];
}

const hour = 3_600_000;

/** Makes a battery of lithium iron phosphate cells that differ by a few millivolts. */
export function createPack(options: PackOptions, clock: Clock): Pack {
  const { cells = 16, current = -12.3, soc = 81, capacity = 280, temperatures = [21.4, 22.1] } = options;
  const start = clock.monotonic();
  const pack: Pack = {
    charge: true,
    discharge: true,
    locked: false,
    measure() {
      const blocked = current > 0 ? !pack.charge : !pack.discharge;
      const amps = blocked ? 0 : current;
      const hours = (clock.monotonic() - start) / hour;
      const now = Math.min(100, Math.max(0, soc + (100 * amps * hours) / capacity));
      const middle = 3200 + now * 1.5 + amps * 0.4;
      const list = Array.from({ length: cells }, (_, n) => Math.round(middle + ((n * 7) % 11) - 5));
      const highest = Math.max(...list);
      return {
        cells: list,
        voltage: list.reduce((sum, mv) => sum + mv, 0),
        current: Math.round(amps * 1000),
        soc: now,
        remaining: Math.round(capacity * 10 * now),
        capacity: Math.round(capacity * 1000),
        cycles: 42,
        temperatures,
        balancing: amps > 0 ? list.flatMap((mv, n) => (mv >= highest - 1 ? [n + 1] : [])) : [],
      };
    },
  };
  return pack;
}
