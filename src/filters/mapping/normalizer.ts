import type { IdentityKey, VoltRecord } from '../../records/record.ts';
import { merger, type Source } from './merge.ts';
import { copyOf, newVehicle, type Program, type Vehicle } from './program.ts';
import { restore, type Snapshot, snapshot } from './snapshot.ts';
import { writer } from './write.ts';

/** How a normalizer works beyond its mapping. */
export interface NormalizerOptions {
  /** False: each record stands for itself, nothing is remembered. */
  merge: boolean;
  /** Says in each record where its values came from. */
  explain: boolean;
  /** Identity keys of what it reads, the key of a vehicle first. */
  identity: readonly IdentityKey[];
}

/** Makes `vehicle_telemetry` of vendor records, one kind of them. */
export interface Normalizer {
  /** The record after `source`, or undefined when it brought nothing new. */
  apply(source: Source): VoltRecord | undefined;
  /** The same as a line of JSON, in a quarter of the time; without explanations. */
  applyLine(source: Source): string | undefined;
  /** All that is known, as plain data. */
  save(): Snapshot;
  /** Goes on from what was saved; what the mapping no longer has is left out. */
  load(saved: Snapshot): void;
}

const anonymous = '';

/** Builds the normalizer of a program. */
export function normalizer(program: Program, options: NormalizerOptions): Normalizer {
  const { identity: keys, merge: remember, explain } = options;
  const merge = merger(program);
  const write = writer(program, explain);
  const vehicles = new Map<string, Vehicle>();
  const blank = newVehicle(program, {});
  if (!remember) merge(blank, { record: {}, data: {}, time: undefined, arrived: undefined });

  function vehicleOf(record: Readonly<Record<string, unknown>>): Vehicle {
    let id: unknown;
    for (let i = 0; i < keys.length && id === undefined; i++) id = record[keys[i]!];
    const name = typeof id === 'string' ? id : anonymous;
    if (!remember) return copyOf(blank, identityOf(record, keys));
    const known = vehicles.get(name);
    if (known) return known;
    const fresh = newVehicle(program, identityOf(record, keys));
    vehicles.set(name, fresh);
    return fresh;
  }

  /** Whether the source brought something new. One that came late doesn't turn the time back: newer values are in the record, too. */
  function isNew(vehicle: Vehicle, source: Source): boolean {
    const changed = merge(vehicle, source);
    if (!(changed > 0)) return false;
    if (changed > vehicle.stamp) vehicle.stamp = changed;
    return true;
  }

  return {
    apply(source) {
      const vehicle = vehicleOf(source.record);
      return isNew(vehicle, source) ? write.record(vehicle, vehicle.stamp) : undefined;
    },
    applyLine(source) {
      const vehicle = vehicleOf(source.record);
      if (!isNew(vehicle, source)) return undefined;
      return remember ? write.line(vehicle, vehicle.stamp) : write.onlyLine(vehicle, vehicle.stamp);
    },
    save: () => snapshot(program, vehicles),
    load(saved) {
      for (const [name, vehicle] of restore(program, saved)) vehicles.set(name, vehicle);
    },
  };
}

/** A normalizer that is built with its first record, or with what it is to go on from. */
export function lateNormalizer(build: () => Normalizer): Normalizer {
  const now = (): Normalizer => Object.assign(late, build());
  const late: Normalizer = {
    apply: (source) => now().apply(source),
    applyLine: (source) => now().applyLine(source),
    save: () => ({ version: 1, vehicles: {} }),
    load(saved) {
      if (Object.keys(saved.vehicles).length > 0) now().load(saved);
    },
  };
  return late;
}

function identityOf(
  record: Readonly<Record<string, unknown>>,
  keys: readonly IdentityKey[],
): Readonly<Record<string, unknown>> {
  const identity: Record<string, unknown> = {};
  for (const key of keys) {
    const value = record[key];
    if (typeof value === 'string' || Number.isFinite(value)) identity[key] = value;
  }
  return identity;
}
