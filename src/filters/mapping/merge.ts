import type { DataPoint } from '../../protocols/bmw/telematics.ts';
import { parseTime } from '../../records/time.ts';
import { conversion, unitOf } from '../units.ts';
import { isUnknown, toNumber, type Value } from '../values.ts';
import { bitSet } from './bit-set.ts';
import { readOdometer } from './odometer.ts';
import type { Input, Lookups, Program, Rule, Vehicle } from './program.ts';
import { partOf, positionAt } from './write.ts';

/** What a mapping takes in: a record's values, and the times for those that have none of their own. */
export interface Source {
  /** The whole record, for paths that lead past `data`. */
  record: Readonly<Record<string, unknown>>;
  data: Readonly<Record<string, unknown>>;
  /** When the record's values were measured, for those without a time stamp: RFC 3339. */
  time: unknown;
  /** When the record came to us, if it says: nothing can have been measured much later. RFC 3339. */
  arrived: unknown;
}

/** Brings one record into a vehicle. Returns the newest time among the fields that it changed; -Infinity when it changed none. */
export type Merge = (vehicle: Vehicle, source: Source) => number;

/** A clock in a car may be wrong by so much before its values are refused: one wrong year would make all that follow late. */
const tolerance = 24 * 3_600_000;

/** Builds the merge of a program. */
export function merger(program: Program): Merge {
  const { points, roots, searches, rules, constants, pair } = program;
  const dirty = bitSet(rules.length);
  const aging = rules.flatMap((rule, i) => (rule.maxAge < Infinity ? i : []));

  let source: Source;
  let vehicle: Vehicle;
  /** The record's own time and the latest time allowed; NaN until somebody asks. */
  let ownTime = Number.NaN;
  let latest = Number.NaN;
  /** Most points of a message bear the same time stamp. */
  let lastStamp: string | undefined;
  let lastTime = Number.NaN;

  function timeOf(stamp: unknown): number {
    if (typeof stamp === 'string') {
      if (stamp !== lastStamp) {
        lastStamp = stamp;
        lastTime = parseTime(stamp);
      }
      if (!Number.isNaN(lastTime)) return lastTime;
    }
    if (Number.isNaN(ownTime)) ownTime = parseTime(source.time);
    return ownTime;
  }

  function isTooLate(time: number): boolean {
    if (time <= vehicle.newest + tolerance) return false;
    if (Number.isNaN(latest)) {
      const arrived = parseTime(source.arrived);
      latest = Number.isNaN(arrived) ? Infinity : arrived + tolerance;
    }
    return time > latest;
  }

  function take({ slot, rule, convert, odometer }: Input, raw: unknown, unit: unknown, time: number): void {
    const known = vehicle.slotTime[slot]!;
    if (time < known) return;
    if (odometer !== undefined && time === known) return;
    const value = odometer === undefined ? convert(raw, unit) : kilometres(vehicle, raw, unit, odometer, time);
    if (value === undefined || (time === known && value === vehicle.slotValue[slot])) return;
    vehicle.slotValue[slot] = value;
    vehicle.slotTime[slot] = time;
    if (time > vehicle.newest) vehicle.newest = time;
    dirty.add(rule);
  }

  /** Takes a data point, or a plain value, for one input. */
  function offer(input: Input, point: unknown): void {
    if (point === null) return;
    if (typeof point === 'object') {
      const { value, unit, timestamp } = point as DataPoint;
      offerAt(input, value, unit, timeOf(timestamp));
    } else offerAt(input, point, undefined, timeOf(undefined));
  }

  function offerAt(input: Input, raw: unknown, unit: unknown, time: number): void {
    if (Number.isNaN(time) || raw === null || raw === undefined || isTooLate(time)) return;
    take(input, raw, unit, time);
  }

  function offerAll({ inputs, readers }: Lookups, point: unknown): void {
    for (const input of inputs) offer(input, point);
    for (const { read, input } of readers) offer(input, read(point));
  }

  /** Chooses a rule's value anew; true when it, or its time, changed. */
  function compute(rule: Rule, index: number): boolean {
    let best = -1;
    let bestTime = -Infinity;
    let value: Value | undefined;
    const oldest = vehicle.newest - rule.maxAge;
    const { choices } = rule;
    for (let i = 0; i < choices.length; i++) {
      const choice = choices[i]!;
      const { slot, derived, holds } = choice;
      const time = derived === undefined ? vehicle.slotTime[slot]! : derived.time(vehicle);
      if (time < oldest || time === -Infinity) continue;
      if (best >= 0 && !(time - bestTime > rule.hold)) continue;
      if (holds !== undefined && !holds(vehicle)) continue;
      const candidate = derived === undefined ? vehicle.slotValue[slot] : derived.value(vehicle);
      if (candidate === undefined) continue;
      best = i;
      bestTime = time;
      value = candidate;
    }
    if (value !== undefined && bestTime + rule.maxAge < vehicle.expiry) vehicle.expiry = bestTime + rule.maxAge;
    const before = vehicle.value[index];
    if (value === before && bestTime === vehicle.time[index]) return false;
    vehicle.value[index] = value;
    vehicle.time[index] = bestTime;
    vehicle.from[index] = best;
    if (rule.shown && value !== before) show(vehicle, rule, index, before, value);
    return true;
  }

  /** Latitude and longitude of one time make a position; of two times they would be a place where the car never was. */
  function positioned(lat: number, lon: number): number {
    const { value, time, position } = vehicle;
    const at = time[lat]!;
    const [north, east] = [value[lat], value[lon]];
    if (at !== time[lon] || typeof north !== 'number' || typeof east !== 'number') return -Infinity;
    if (north === 0 && east === 0) return -Infinity;
    if (position?.time === at && position.lat === north && position.lon === east) return -Infinity;
    vehicle.position = positionAt(north, east, at);
    return at;
  }

  /** Computes what was touched and what depends on it. Returns the newest time among the fields shown that changed. */
  function settle(): number {
    let changed = -Infinity;
    let moved = false;
    for (let index = dirty.shift(); index >= 0; index = dirty.shift()) {
      const rule = rules[index]!;
      if (!compute(rule, index)) continue;
      const { dependents } = rule;
      for (let i = 0; i < dependents.length; i++) dirty.add(dependents[i]!);
      if (pair !== undefined && (index === pair.lat || index === pair.lon)) moved = true;
      else if (rule.shown && vehicle.value[index] !== undefined) changed = Math.max(changed, vehicle.time[index]!);
    }
    return moved && pair ? Math.max(changed, positioned(pair.lat, pair.lon)) : changed;
  }

  return (into, from) => {
    vehicle = into;
    if (vehicle.fresh) {
      vehicle.fresh = false;
      // Of one of which nothing was heard the constants are all there is, and what follows from them.
      for (const index of vehicle.newest === -Infinity ? constants : rules.keys()) dirty.add(index);
      settle();
    }
    source = from;
    ownTime = Number.NaN;
    latest = Number.NaN;
    const { data, record } = from;
    // Entries cost half of `for … in`: parsed objects come in too many shapes for fast property access.
    for (const entry of Object.entries(data)) {
      const lookups = points.get(entry[0]);
      if (lookups !== undefined) offerAll(lookups, entry[1]);
    }
    for (let i = 0; i < roots.length; i++) {
      const place = record[roots[i]![0]];
      if (place !== undefined) for (const { read, input } of roots[i]![1]) offer(input, read(place));
    }
    for (const { read, input } of searches) for (const found of read(record)) offer(input, found);

    if (vehicle.newest > vehicle.expiry) {
      vehicle.expiry = Infinity;
      for (const index of aging) dirty.add(index);
    }
    return settle();
  };
}

/** Keeps the parts of the next line in step. */
function show(vehicle: Vehicle, rule: Rule, index: number, before: Value | undefined, value: Value | undefined): void {
  if (before === undefined || value === undefined) vehicle.places = undefined;
  else if (vehicle.places !== undefined) vehicle.parts[vehicle.places[index]!] = partOf(rule.key, value);
}

/** No car has gone further, in either unit. */
const farthest = 5_000_000;

function kilometres(vehicle: Vehicle, raw: unknown, unit: unknown, assumed: number, time: number): number | undefined {
  const distance = toNumber(raw);
  if (distance === undefined || distance < 0 || distance > farthest) return undefined;
  const named = typeof unit === 'string' && !isUnknown(unit);
  const factor = named ? conversion(unitOf(unit) ?? '', 'km')?.(1) : undefined;
  if (named && factor === undefined) return undefined;
  return readOdometer(vehicle.odometer, distance, factor, assumed, time);
}
