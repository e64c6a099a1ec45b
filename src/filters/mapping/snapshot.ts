import type { Value } from '../values.ts';
import type { OdometerMemory } from './odometer.ts';
import { newVehicle, type Program, type Vehicle } from './program.ts';
import { positionAt } from './write.ts';

/** What is known of all vehicles, as plain data. Values are kept by the names of field and path, so that a mapping may change. */
export interface Snapshot {
  version: 1;
  vehicles: Readonly<Record<string, SavedVehicle>>;
}

interface SavedVehicle {
  identity: Readonly<Record<string, unknown>>;
  /** Field and path → value and time in milliseconds since 1970. */
  values: Readonly<Record<string, readonly [Value, number]>>;
  position?: { lat: number; lon: number; time: number };
  odometer: OdometerMemory;
}

/** Saves what is known. */
export function snapshot(program: Program, vehicles: ReadonlyMap<string, Vehicle>): Snapshot {
  const saved = [...vehicles].map(([name, vehicle]): [string, SavedVehicle] => {
    const values = program.slots.flatMap((slot, i): [string, [Value, number]][] => {
      const value = vehicle.slotValue[i];
      return value === undefined ? [] : [[slot, [value, vehicle.slotTime[i]!]]];
    });
    const { identity, position, odometer } = vehicle;
    return [
      name,
      {
        identity,
        values: Object.fromEntries(values),
        ...(position && { position: { lat: position.lat, lon: position.lon, time: position.time } }),
        odometer: { ...odometer },
      },
    ];
  });
  return { version: 1, vehicles: Object.fromEntries(saved) };
}

/** Makes vehicles of what was saved; the next merge computes their fields. */
export function restore(program: Program, saved: Snapshot): Map<string, Vehicle> {
  const vehicles = new Map<string, Vehicle>();
  for (const [name, { identity, values, position, odometer }] of Object.entries(saved.vehicles)) {
    const vehicle = newVehicle(program, identity);
    program.slots.forEach((slot, i) => {
      const [value, time] = values[slot] ?? [];
      if (value === undefined || time === undefined) return;
      vehicle.slotValue[i] = value;
      vehicle.slotTime[i] = time;
      vehicle.newest = Math.max(vehicle.newest, time);
    });
    vehicle.stamp = vehicle.newest;
    vehicle.odometer = { ...odometer };
    vehicle.position = program.pair && position && positionAt(position.lat, position.lon, position.time);
    vehicles.set(name, vehicle);
  }
  return vehicles;
}
