import type { RecordKey } from '../../records/family.ts';
import { type Conversion, clean, conversion, unitOf } from '../units.ts';
import { isUnknown, lookup, toBoolean, toNumber, type Value } from '../values.ts';
import type { Qualities } from './model.ts';

/** Makes a field's value of what a source sent, with the unit that it named; undefined for what is unknown or can't be meant. */
export type Convert = (raw: unknown, unit: unknown) => Value | undefined;

/** What a helper, which is in no vocabulary, is: whatever the source's value looks like. */
const helper: RecordKey = { name: '_', kind: 'string', summary: '' };

/**
 * Builds the conversion of one candidate: words by the value map, sentinels and empty text to undefined, text to numbers or yes
 * and no, the source's unit (else the candidate's, else none) to the field's, the range last.
 */
export function converter(key: RecordKey = helper, qualities: Qualities = {}): Convert {
  const find = qualities.values && lookup(qualities.values);
  const known = (raw: unknown): unknown => (find ? find(raw) : raw);
  if (key.kind === 'boolean') return find ? (raw) => toBoolean(find(raw)) : toBoolean;
  if (key.kind === 'number' || key.kind === 'integer') {
    const measure = numberConverter(key, qualities);
    return find ? (raw, unit) => measure(find(raw), unit) : measure;
  }
  const measure = numberConverter(helper, qualities);
  return (raw, unit) => {
    const value = known(raw);
    if (key === helper) {
      const fact = measure(value, unit) ?? (typeof value === 'number' ? undefined : toBoolean(value));
      if (fact !== undefined) return fact;
    }
    return typeof value === 'string' && !isUnknown(value) ? value.trim() : undefined;
  };
}

function numberConverter(key: RecordKey, { unit, scale = 1, min, max }: Qualities): Convert {
  const low = Math.max(key.min ?? -Infinity, min ?? -Infinity);
  const high = Math.min(key.max ?? Infinity, max ?? Infinity);
  const convert = unitConverter(key.unit, unit);
  const whole = scale === 1 || scale === -1;
  return (raw, given) => {
    const number = typeof raw === 'number' && raw - raw === 0 ? raw : toNumber(raw);
    if (number === undefined) return undefined;
    const conversionToField = convert(given);
    if (conversionToField === undefined) return undefined;
    const converted = conversionToField(number);
    const value = whole ? converted * scale + 0 : clean(converted * scale);
    return value >= low && value <= high ? value : undefined;
  };
}

const keep: Conversion = (value) => value;

/**
 * The conversion for a unit as the source spells it. A unit that measures something else makes the value unknown; one that nobody
 * knows does too, rather than a number in the wrong unit. A field without a unit, as a helper, takes the number as it is.
 */
function unitConverter(
  to: string | undefined,
  assumed: string | undefined,
): (given: unknown) => Conversion | undefined {
  if (to === undefined) return () => keep;
  const find = (given: unknown): Conversion | undefined => {
    const spelling = typeof given === 'string' && !isUnknown(given) ? given : assumed;
    if (spelling === undefined) return keep;
    const from = unitOf(spelling);
    return from === undefined ? undefined : conversion(from, to);
  };
  const answers = new Map<unknown, Conversion | undefined>();
  let last: unknown;
  let answer = find(undefined);
  return (given) => {
    if (given === last) return answer;
    if (!answers.has(given) && answers.size < 64) answers.set(given, find(given));
    last = given;
    answer = answers.has(given) ? answers.get(given) : find(given);
    return answer;
  };
}
