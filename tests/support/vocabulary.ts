import { commonKeys, validate } from '../../src/records/common.ts';
import type { RecordKey } from '../../src/records/family.ts';
import { vocabulary } from '../../src/records/vocabulary.ts';

const isKind: Record<RecordKey['kind'], (value: unknown) => boolean> = {
  string: (value) => typeof value === 'string',
  number: (value) => Number.isFinite(value),
  integer: (value) => Number.isInteger(value),
  boolean: (value) => typeof value === 'boolean',
  object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  array: (value) => Array.isArray(value),
  any: (value) => value !== undefined && value !== null,
};

function faultOf({ kind, min = -Infinity, max = Infinity, values }: RecordKey, value: unknown): string | undefined {
  if (!isKind[kind](value)) return `is no ${kind}`;
  if (typeof value === 'number' && (value < min || value > max)) return 'is out of range';
  return values && !values.includes(String(value)) ? 'is none of its values' : undefined;
}

/** What a record has against its family in the vocabulary: keys that it lacks, that nobody knows, or that hold what they can't. */
export function vocabularyFaults(record: Readonly<Record<string, unknown>>): string[] {
  const family = vocabulary.find(({ type }) => type === record.type);
  if (!family) return [`${record.type} is no family`];
  const keys = new Map([...commonKeys, ...family.keys].map((key) => [key.name, key]));
  const lacks = [...keys.values()].filter(({ name, required }) => required && record[name] === undefined);
  const wrong = Object.entries(record).map(([name, value]) => {
    const key = keys.get(name);
    const fault = key ? faultOf(key, value) : family.open ? undefined : 'is not in the vocabulary';
    return fault && `${record.type}: ${name} ${fault}: ${JSON.stringify(value)}`;
  });
  const all = [validate(record), ...lacks.map(({ name }) => `${record.type} lacks ${name}`), ...wrong];
  return all.filter((fault) => fault !== undefined);
}
