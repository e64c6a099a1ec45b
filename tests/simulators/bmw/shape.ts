import { vectorsIn } from '../../support/ndjson.ts';

/** One recorded answer. */
export interface Recorded {
  name: string;
  source: string;
  // biome-ignore lint/suspicious/noExplicitAny: recorded bodies have any shape.
  json: any;
  expect: { status?: number; request?: string };
}

/** The recorded answers of a vector file, by name. */
export function recorded(file: string): (name: string) => Recorded {
  const all = new Map(vectorsIn<Recorded>(file).map((vector) => [vector.name, vector]));
  return (name) => {
    const vector = all.get(name);
    if (!vector) throw new Error(`no vector ${name}`);
    return vector;
  };
}

/** What a value is, without what it says: objects by their keys, lists by their first element, texts by their form. */
export function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shape(value[0])];
  if (typeof value === 'object' && value !== null) {
    const keys = Object.keys(value).sort();
    return Object.fromEntries(keys.map((key) => [key, shape((value as Record<string, unknown>)[key])]));
  }
  if (typeof value !== 'string') return value === null ? 'null' : typeof value;
  if (/^eyJ[\w-]+\.[\w-]+\.[\w-]+$/.test(value)) return 'JWT';
  if (/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(value)) return 'UUID';
  return 'text';
}
