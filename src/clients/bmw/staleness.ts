import { isUnknown } from '../../filters/values.ts';
import type { DataPoint } from '../../protocols/bmw/telematics.ts';
import { newestTime } from '../../protocols/bmw/telematics.ts';

/** Descriptors of a measured state of charge. BMW's own extrapolation (`charging.level`) is none. */
const chargeDescriptors = [
  'vehicle.drivetrain.batteryManagement.header',
  'vehicle.powertrain.electric.battery.stateOfCharge.displayed',
  'vehicle.trip.segment.end.drivetrain.batteryManagement.hvSoc',
] as const;

/** When the state of charge among these values was measured, in milliseconds since 1970; undefined: it is not among them. */
export function chargeTime(data: Readonly<Record<string, DataPoint | undefined>>): number | undefined {
  const points = chargeDescriptors.flatMap((name) => {
    const point = data[name];
    return isUnknown(point?.value) ? [] : [[name, point as DataPoint] as const];
  });
  if (points.length === 0) return undefined;
  const time = newestTime(Object.fromEntries(points));
  return Number.isNaN(time) ? 0 : time;
}

/** The longest wait between two polls of a vehicle that has nothing new to say. */
const longest = 6 * 60 * 60 * 1000;

/** When to poll a vehicle next. */
export interface Staleness {
  /** The state of charge came by itself: the wait begins anew. */
  heard(measured: number): number;
  /** A poll brought a state of charge of that time, or none: a vehicle that has nothing new is asked less and less. */
  polled(measured: number | undefined): number;
}

/** Each method returns the milliseconds until the next poll. A parked vehicle would otherwise use up the day's quota. */
export function createStaleness(staleAfter: number): Staleness {
  let newest = Number.NEGATIVE_INFINITY;
  let wait = staleAfter;
  return {
    heard(measured) {
      newest = Math.max(newest, measured);
      wait = staleAfter;
      return wait;
    },
    polled(measured) {
      const news = measured !== undefined && measured > newest;
      wait = news ? staleAfter : Math.max(staleAfter, Math.min(longest, wait * 2));
      if (news) newest = measured;
      return wait;
    },
  };
}
