import type { ValueMap } from '../../protocols/bmw/values.ts';
import type { Value } from '../values.ts';

/** What a condition asks of one field: that it is a value, one of several, none of them, above or below a number. */
export type Test = Value | readonly Value[] | { not?: Value | readonly Value[]; above?: number; below?: number };

/**
 * Conditions that must all hold, by field (or path). While a field is unknown nothing holds of it, except `not`.
 */
export type When = Readonly<Record<string, Test>>;

/** What every candidate can say, and a whole field as the default of its candidates. */
export interface Qualities {
  /** What the source's words mean; see `lookup` in values.ts. */
  values?: ValueMap;
  /** Unit of the source where it sends none. */
  unit?: string;
  /** Factor after the conversion of units: -1 turns a sign. */
  scale?: number;
  when?: When;
  /** Range of what can be meant, in the unit of the field; narrower than that of the vocabulary. */
  min?: number;
  max?: number;
}

/** One place where a field's value may come from: exactly one of the first four. */
export interface Candidate extends Qualities {
  /** A JSONPath, or the name of a descriptor. */
  path?: string;
  /** Another field. */
  field?: string;
  /** A value that follows from the conditions. */
  value?: Value;
  /** Fields or paths whose product it is. */
  product?: readonly string[];
  /** Where it stands in its document. */
  at?: readonly (string | number)[];
}

/** How one field is filled. */
export interface FieldMapping {
  /** In the order of preference. */
  candidates: readonly Candidate[];
  /** A value older than this, against the newest one of the vehicle, is no longer known. Milliseconds. */
  maxAge?: number;
  /** A later candidate takes over when its value is newer by more than this. Milliseconds. */
  hold?: number;
  /** A distance that only grows and whose unit may be missing or wrong; see odometer.ts. */
  odometer?: boolean;
}

/** Fields of `vehicle_telemetry`, and helpers, whose names begin with `_` and which stay inside. */
export type Mapping = ReadonlyMap<string, FieldMapping>;

/** What is wrong with a mapping, and where: `['soc', 'paths', 0]`. */
export interface Problem {
  at: readonly (string | number)[];
  message: string;
}

/** `soc.paths[0]`, the place of a problem for a message. */
export function placeOf({ at }: Problem): string {
  return at.map((part, i) => (typeof part === 'number' ? `[${part}]` : i === 0 ? part : `.${part}`)).join('');
}
