import { isTarget, predictedCharge } from '../../protocols/bmw/values.ts';
import type { RecordKey } from '../../records/family.ts';
import { isJsonObject, type JsonObject } from '../../records/json.ts';
import { vehicleTelemetry } from '../../records/vehicle-telemetry.ts';
import { conversion, unitOf } from '../units.ts';
import type { Candidate, FieldMapping, Mapping, Problem, Qualities } from './model.ts';
import { PathError, parsePath } from './path.ts';

/** A mapping document, read: what it says, what is wrong with it, and what is allowed but unlikely to be meant. */
export interface MappingReading {
  /** A field that the document empties (`lat: []`) is there with no candidates. */
  mapping: Mapping;
  problems: Problem[];
  warnings: Problem[];
}

/** Fields that the merge makes itself. */
const computed = new Set(['utc', 'soc_age_s', 'explain']);

/** The keys of `vehicle_telemetry` that a mapping may fill. */
export const mappable: ReadonlyMap<string, RecordKey> = new Map(
  vehicleTelemetry.keys
    .filter((key: RecordKey) => !key.tag && !computed.has(key.name))
    .map((key) => [key.name, key satisfies RecordKey]),
);

type At = readonly (string | number)[];
const isScalar = (value: unknown): boolean =>
  typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);
const isScalars = (value: unknown): boolean => isScalar(value) || (Array.isArray(value) && value.every(isScalar));

const milliseconds = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `30s`, `10m`, `1h`; a bare number is seconds. Returns milliseconds. */
export function durationOf(value: unknown): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(String(value).trim());
  return match ? Number(match[1]) * milliseconds[(match[2] ?? 's') as keyof typeof milliseconds] : undefined;
}

function isTest(value: unknown): boolean {
  if (!isJsonObject(value)) return isScalars(value);
  return Object.entries(value).every(([key, operand]) =>
    key === 'not' ? isScalars(operand) : (key === 'above' || key === 'below') && Number.isFinite(operand),
  );
}

/** The keys of a candidate or field, and what their values must be. */
const checks: Readonly<Record<string, readonly [check: (value: unknown) => boolean, expected: string]>> = {
  path: [(value) => typeof value === 'string', 'a path'],
  field: [(value) => typeof value === 'string', 'the name of a field'],
  value: [isScalar, 'a single value'],
  product: [
    (value) => Array.isArray(value) && value.length > 1 && value.every((factor) => typeof factor === 'string'),
    'a list of two or more paths or fields',
  ],
  values: [
    (value) => isJsonObject(value) && Object.values(value).every((to) => to === null || isScalar(to)),
    'a map from words to values',
  ],
  unit: [(value) => typeof value === 'string' && unitOf(value) !== undefined, 'a unit'],
  scale: [Number.isFinite, 'a number'],
  min: [Number.isFinite, 'a number'],
  max: [Number.isFinite, 'a number'],
  when: [(value) => isJsonObject(value) && Object.values(value).every(isTest), 'conditions: field: value'],
  maxAge: [(value) => durationOf(value) !== undefined, 'a duration such as 30m'],
  hold: [(value) => durationOf(value) !== undefined, 'a duration such as 5m'],
  odometer: [(value) => typeof value === 'boolean', 'true or false'],
};

const origins = ['path', 'field', 'value', 'product'] as const;
const qualities = ['values', 'unit', 'scale', 'when', 'min', 'max'] as const;
const ofCandidate: ReadonlySet<string> = new Set([...origins, ...qualities]);
const ofField: ReadonlySet<string> = new Set(['paths', ...qualities, 'maxAge', 'hold', 'odometer']);

/**
 * Reads a mapping document, of a file, the configuration or a preset: field → a list of candidates, or an object with the list
 * in `paths` and more beside it. Finds every problem, not the first.
 */
export function readMapping(document: unknown): MappingReading {
  const mapping = new Map<string, FieldMapping>();
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const wrong = (at: At, message: string): undefined => {
    problems.push({ at, message });
  };

  function path(text: string, at: At, field: string): boolean {
    try {
      parsePath(text);
    } catch (error) {
      if (!(error instanceof PathError)) throw error;
      wrong(at, `${JSON.stringify(text)} ${error.message}`);
      return false;
    }
    if (field !== 'soc') return true;
    if (isTarget(text)) {
      warnings.push({
        at,
        message: 'a target feeds soc: it is the charge that charging ends at, not the one there is',
      });
    }
    if (!text.includes(predictedCharge)) return true;
    warnings.push({ at, message: `${predictedCharge} is predicted, not measured: it feeds soc_predicted, never soc` });
    return false;
  }

  function checked(from: JsonObject, allowed: ReadonlySet<string>, at: At): JsonObject {
    const good = Object.entries(from).filter(([key, value]) => {
      if (!allowed.has(key)) return wrong([...at, key], `is not known; known are ${[...allowed].join(', ')}`);
      if (key === 'paths') return true;
      const [check, expected] = checks[key] ?? [() => true, ''];
      return check(value) || wrong([...at, key], `expected ${expected}`);
    });
    return Object.fromEntries(good);
  }

  function unit(quality: JsonObject, at: At, key: RecordKey | undefined): void {
    if (typeof quality.unit !== 'string' || !key) return;
    if (conversion(unitOf(quality.unit) ?? '', key.unit ?? '')) return;
    wrong([...at, 'unit'], `${quality.unit} can't be converted to ${key.unit ?? 'a field without unit'}`);
  }

  function candidate(from: unknown, at: At, field: string): Candidate | undefined {
    if (typeof from === 'string') return path(from, at, field) ? { path: from } : undefined;
    if (!isJsonObject(from)) return wrong(at, 'expected a path, or an object with path, field, value or product');
    const found = origins.filter((origin) => Object.hasOwn(from, origin));
    if (found.length !== 1) return wrong(at, 'expected exactly one of path, field, value and product');
    const before = problems.length;
    const result = checked(from, ofCandidate, at) as Candidate;
    unit(result as JsonObject, at, mappable.get(field));
    if (result.path !== undefined && !path(result.path, [...at, 'path'], field)) return undefined;
    return problems.length === before ? result : undefined;
  }

  function fieldOf(from: unknown, name: string): void {
    const given = Array.isArray(from) || typeof from === 'string' ? { paths: [from].flat() } : from;
    if (!isJsonObject(given)) {
      wrong([name], 'expected a list of paths, or an object with paths');
      return;
    }
    const { paths, maxAge, hold, odometer, ...rest } = checked(given, ofField, [name]);
    if (!Array.isArray(paths)) {
      wrong([name], 'has no list of paths');
      return;
    }
    unit(rest, [name], mappable.get(name));
    const at = (i: number): At => (given === from ? [name, 'paths', i] : [name, i]);
    const candidates = paths.flatMap((item, i): Candidate[] => {
      const one = candidate(item, at(i), name);
      return one ? [{ ...(rest as Qualities), ...one, at: at(i) }] : [];
    });
    mapping.set(name, {
      candidates,
      ...(maxAge !== undefined && { maxAge: durationOf(maxAge) ?? 0 }),
      ...(hold !== undefined && { hold: durationOf(hold) ?? 0 }),
      ...(odometer === true && { odometer }),
    });
  }

  if (!isJsonObject(document)) wrong([], 'expected an object: field: [path, path]');
  else {
    for (const [name, from] of Object.entries(document)) {
      if (name.startsWith('_') || mappable.has(name)) fieldOf(from, name);
      else wrong([name], `is no field of vehicle_telemetry; known are ${[...mappable.keys()].join(', ')}`);
    }
  }
  return { mapping, problems, warnings };
}
