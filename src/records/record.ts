import { isJsonObject } from './json.ts';

/**
 * A record: one flat JSON object, one line of NDJSON.
 *
 * `type` names its family; `time` says when it was MEASURED (RFC 3339, UTC, milliseconds, `Z`). A key that is not known is
 * absent: never null, never 0. The families with their keys and units are listed in `vocabulary.ts`.
 */
export interface VoltRecord {
  type: string;
  time?: string;
  [key: string]: unknown;
}

/** The keys that identify what a record is about. They become the tags of a time-series point; every other key is a field. */
export const identityKeys = [
  'vin',
  'device_id',
  'device_name',
  'device_type',
  'vehicle_id',
  'vehicle_name',
  'charge_point',
  'connector',
  'source',
] as const;

/**
 * Why a JSON value is no record; undefined: it is one. Said once for all that reads lines: an object with a `type`, or, where `untyped`
 * objects are taken too (a vendor's own lines), without one. A `type` that is no string is neither.
 *
 * @returns a phrase for a message
 */
export function notARecord(value: unknown, untyped: boolean): string | undefined {
  if (!isJsonObject(value)) return 'not a JSON object';
  const { type } = value;
  if (typeof type === 'string') return undefined;
  if (type === undefined) return untyped ? undefined : 'no "type"';
  return '"type" is not a string';
}

/** One of the keys that name the subject of a record. */
export type IdentityKey = (typeof identityKeys)[number];

/** What a record is about: those of its {@link identityKeys} that it has, in their order. */
export function identityIn(record: VoltRecord): Record<string, unknown> {
  const identity: Record<string, unknown> = {};
  for (const key of identityKeys) if (record[key] !== undefined) identity[key] = record[key];
  return identity;
}
