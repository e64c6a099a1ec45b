import type { Random } from '../random.ts';
import type { Point } from './vehicle.ts';

/** A data point as BMW writes it. */
export interface DataPoint {
  timestamp: string | null;
  unit?: string | null;
  value: unknown;
}

/** Spells numbers, units and time stamps in the ways that were seen; `plain` uses the commonest one alone. */
export interface Spelling {
  point(point: Point, at: number): DataPoint;
}

const without = (time: string): string => time.replace(/\.\d+Z$/, 'Z');

/**
 * BMW's spellings, picked at random: quoted numbers, kW instead of W, `percent` instead of `%`, no unit, times in whole seconds.
 *
 * @param wholeSeconds the car reports slowly enough that times may be cut to seconds
 */
export function createSpelling(random: Random, wholeSeconds: boolean): Spelling {
  const seldom = (share: number): boolean => random() < share;
  return {
    point([descriptor, value, unit], at) {
      const time = new Date(wholeSeconds ? Math.floor(at / 1000) * 1000 : at).toISOString();
      const point: DataPoint = { timestamp: wholeSeconds && seldom(0.5) ? without(time) : time, value };
      if (unit !== undefined) point.unit = unit;
      if (unit === 'W' && seldom(0.1)) Object.assign(point, { unit: 'kW', value: (value as number) / 1000 });
      if (unit === '%' && seldom(0.05)) point.unit = 'percent';
      if (unit === 'km' && seldom(0.1)) delete point.unit;
      if (typeof point.value === 'number' && seldom(0.05)) point.value = String(point.value);
      // Only a position is a double in BMW's catalogue that the guide shows quoted.
      if (descriptor.endsWith('itude') && seldom(0.2)) point.value = String(point.value);
      return point;
    },
  };
}

/** The envelope of a stream message, in BMW's order of keys. */
export function envelope(vin: string, gcid: string, sentAt: number, data: Readonly<Record<string, unknown>>): object {
  return { vin, entityId: gcid, topic: vin, timestamp: new Date(sentAt).toISOString(), data };
}
