import type { Value } from '../values.ts';
import type { Convert } from './convert.ts';
import type { Candidate } from './model.ts';
import type { OdometerMemory } from './odometer.ts';

/** Where one candidate of one field takes its value from a record. */
export interface Input {
  /** The place of the candidate's last value in a vehicle. */
  slot: number;
  rule: number;
  convert: Convert;
  /** Kilometres a unit where the source names none; only for the odometer. */
  odometer?: number;
}

/** A path that leads deeper than a key of `data`, or elsewhere. */
export interface Reader {
  read(place: unknown): unknown;
  input: Input;
}

/** What is known of one key. */
export interface Lookups {
  inputs: Input[];
  readers: Reader[];
}

/** A value that follows from other fields. */
export interface Derivation {
  value(vehicle: Vehicle): Value | undefined;
  /** When that was measured; -Infinity while it is unknown, 0 for what holds always. */
  time(vehicle: Vehicle): number;
}

/** A candidate of a field, ready to be asked. */
export interface Choice {
  candidate: Candidate;
  /** The slot of a candidate with a path; -1 for a derived one. */
  slot: number;
  derived: Derivation | undefined;
  /** Absent: no conditions. */
  holds: ((vehicle: Vehicle) => boolean) | undefined;
}

/** A field, ready to be computed. */
export interface Rule {
  name: string;
  /** The name as it stands in a line. */
  key: string;
  choices: readonly Choice[];
  maxAge: number;
  hold: number;
  /** Rules that look at this one; all of them come later in the order. */
  dependents: readonly number[];
  /** Goes into the record by itself. Helpers and dropped fields don't, nor do lat and lon, which go in as a pair. */
  shown: boolean;
}

/** A compiled mapping. */
export interface Program {
  /** Key of `data` → what is taken from there. */
  points: ReadonlyMap<string, Lookups>;
  /** Key of the record itself → what is taken from there. */
  roots: readonly (readonly [key: string, readers: readonly Reader[]])[];
  /** Paths with wildcards and the like, evaluated on the whole record. */
  searches: readonly { read(record: unknown): readonly unknown[]; input: Input }[];
  /** In an order in which each comes after those it looks at. */
  rules: readonly Rule[];
  /** Rules with a value that holds always. */
  constants: readonly number[];
  /** Names of the slots, for the saved state. */
  slots: readonly string[];
  /** Rules in the order of the record's keys. */
  order: readonly number[];
  /** Rules of latitude and longitude, when both are mapped: they count only as a pair of one time. */
  pair: { lat: number; lon: number } | undefined;
  /** The rule of the state of charge, whose age goes into the record; -1: none. */
  soc: number;
}

/** Where a vehicle was at one time. */
export interface Position {
  lat: number;
  lon: number;
  time: number;
  /** Both as parts of the line. */
  text: string;
}

/** What is known of one vehicle. Arrays go by slot or by rule. */
export interface Vehicle {
  /** Its identity keys. */
  identity: Readonly<Record<string, unknown>>;
  /** The same as JSON, with commas before them. */
  identityText: string;
  slotValue: (Value | undefined)[];
  slotTime: number[];
  value: (Value | undefined)[];
  /** When the value was measured; -Infinity while it is unknown. */
  time: number[];
  /** The choice that gave the value. */
  from: number[];
  position: Position | undefined;
  odometer: OdometerMemory;
  /** No field was computed yet: it is new, or was restored. */
  fresh: boolean;
  /** The newest time of all, against which ages are measured. */
  newest: number;
  /** The time of the last record: of the newest value that is in it. */
  stamp: number;
  /** From this time on some value is too old. */
  expiry: number;
  /** The known fields of the record as JSON, each with its comma, in their order. */
  parts: string[];
  /** Rule → its place in `parts`; -1 while it has none. Undefined: a field came or went, the parts are to be made anew. */
  places: number[] | undefined;
}

/** A vehicle of which nothing is known. */
export function newVehicle(program: Program, identity: Readonly<Record<string, unknown>>): Vehicle {
  const { length: slots } = program.slots;
  const { length: rules } = program.rules;
  return {
    identity,
    identityText: identityText(identity),
    slotValue: new Array(slots).fill(undefined),
    slotTime: new Array(slots).fill(-Infinity),
    value: new Array(rules).fill(undefined),
    time: new Array(rules).fill(-Infinity),
    from: new Array(rules).fill(-1),
    position: undefined,
    odometer: {},
    fresh: true,
    newest: -Infinity,
    stamp: -Infinity,
    expiry: Infinity,
    parts: [],
    places: undefined,
  };
}

/** A copy of a vehicle, to be filled by a record that stands for itself. */
export function copyOf(vehicle: Vehicle, identity: Readonly<Record<string, unknown>>): Vehicle {
  return {
    ...vehicle,
    identity,
    identityText: identityText(identity),
    slotValue: vehicle.slotValue.slice(),
    slotTime: vehicle.slotTime.slice(),
    value: vehicle.value.slice(),
    time: vehicle.time.slice(),
    from: vehicle.from.slice(),
    odometer: {},
  };
}

function identityText(identity: Readonly<Record<string, unknown>>): string {
  let text = '';
  for (const name in identity) text += `,"${name}":${JSON.stringify(identity[name])}`;
  return text;
}
