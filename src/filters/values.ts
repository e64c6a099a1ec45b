import { booleanWords, sentinels, type ValueMap } from '../protocols/bmw/values.ts';

/** What a mapped field can hold. */
export type Value = number | boolean | string;

const numeric = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** A finite number, quoted or not; undefined for everything else: the empty string is no zero, and true is no one. */
export function toNumber(raw: unknown): number | undefined {
  if (typeof raw === 'string') {
    const text = raw.trim();
    return numeric.test(text) ? finite(Number(text)) : undefined;
  }
  return typeof raw === 'number' ? finite(raw) : undefined;
}

/** `-0` is a number that no sensor measured. */
const finite = (value: number): number | undefined => (Number.isFinite(value) ? value + 0 : undefined);

/** Yes or no in any of the spellings that sources use; undefined for everything else. */
export function toBoolean(raw: unknown): boolean | undefined {
  if (typeof raw === 'boolean') return raw;
  if (raw === 0 || raw === '0') return false;
  if (raw === 1 || raw === '1') return true;
  return typeof raw === 'string' ? booleanWords.get(raw.trim().toUpperCase()) : undefined;
}

/** Whether the source says that it does not know. */
export const isUnknown = (raw: unknown): boolean =>
  raw === null || raw === undefined || (typeof raw === 'string' && sentinels.has(raw.trim().toUpperCase()));

/** A word that a source may send, and which of the map's words it is. */
type Lookup = (raw: unknown) => unknown;

const pattern = (word: string): RegExp =>
  new RegExp(
    `^${word
      .split('*')
      .map((part) => part.replace(/[^\w]/g, '\\$&'))
      .join('.*')}$`,
    's',
  );

/**
 * Looks a value up in a value map, whatever its case. The exact word comes first, then, for a value that is known at all, the
 * words with a `*` in their order (`*` alone is the default). What is in no word stays as it was; null in the map means unknown.
 */
export function lookup(map: ValueMap): Lookup {
  const exact = new Map<string, unknown>();
  const patterns: [RegExp, unknown][] = [];
  for (const [word, value] of Object.entries(map)) {
    if (word.includes('*')) patterns.push([pattern(word.toUpperCase()), value ?? undefined]);
    else exact.set(word.toUpperCase(), value ?? undefined);
  }
  const find: Lookup = (raw) => {
    const word = String(raw).trim().toUpperCase();
    if (exact.has(word)) return exact.get(word);
    if (isUnknown(raw)) return undefined;
    const hit = patterns.find(([expression]) => expression.test(word));
    return hit ? hit[1] : raw;
  };
  return remember(find);
}

/** Enumerations have few words: the answers are kept, up to a bound that foreign input can't pass. */
function remember(find: Lookup): Lookup {
  const known = new Map<unknown, unknown>();
  return (raw) => {
    if (typeof raw === 'object' && raw !== null) return undefined;
    if (known.has(raw)) return known.get(raw);
    const value = find(raw);
    if (known.size < 256) known.set(raw, value);
    return value;
  };
}
