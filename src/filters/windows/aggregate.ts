import { clean } from '../units.ts';

/** What is known of one number over a span of time. Two of them, of two spans, make one of both: nothing is lost but order inside. */
export interface Aggregate {
  n: number;
  sum: number;
  min: number;
  max: number;
  first: number;
  /** When the first was measured, in milliseconds. */
  firstAt: number;
  last: number;
  lastAt: number;
}

/** Of a single value. */
export const aggregateOf = (value: number, at: number): Aggregate => ({
  n: 1,
  sum: value,
  min: value,
  max: value,
  first: value,
  firstAt: at,
  last: value,
  lastAt: at,
});

/** Takes `more` into `into`. */
export function merge(into: Aggregate, more: Aggregate): void {
  into.n += more.n;
  into.sum += more.sum;
  if (more.min < into.min) into.min = more.min;
  if (more.max > into.max) into.max = more.max;
  if (more.firstAt < into.firstAt) {
    into.first = more.first;
    into.firstAt = more.firstAt;
  }
  if (more.lastAt >= into.lastAt) {
    into.last = more.last;
    into.lastAt = more.lastAt;
  }
}

/** Aggregates by the name of the field. */
export type Aggregates = Record<string, Aggregate>;

/** No aggregates yet. Without a prototype: `constructor` is a name that a field may have. */
export const noAggregates = (): Aggregates => Object.create(null) as Aggregates;

/** Takes all of `more` into `into`. */
export function mergeAll(into: Aggregates, more: Readonly<Aggregates>): void {
  for (const [name, aggregate] of Object.entries(more)) {
    const known = into[name];
    if (known) merge(known, aggregate);
    else into[name] = { ...aggregate };
  }
}

/**
 * The fields of a record: `voltage_n`, `voltage_sum`, `voltage_min`, `voltage_max`, `voltage_mean`, `voltage_first`, `voltage_last`. A
 * sum beyond all numbers is left out, the mean with it.
 */
export function fieldsOf(aggregates: Readonly<Aggregates>): Record<string, number> {
  const fields: Record<string, number> = {};
  for (const [name, { n, sum, min, max, first, last }] of Object.entries(aggregates)) {
    fields[`${name}_n`] = n;
    if (Number.isFinite(sum)) fields[`${name}_sum`] = clean(sum);
    fields[`${name}_min`] = min;
    fields[`${name}_max`] = max;
    if (Number.isFinite(sum)) fields[`${name}_mean`] = clean(sum / n);
    fields[`${name}_first`] = first;
    fields[`${name}_last`] = last;
  }
  return fields;
}

/**
 * The aggregates that a record of {@link fieldsOf} was made of. Its time stands for those of first and last.
 *
 * @param wanted these fields alone; empty: all
 */
export function aggregatesIn(
  record: Readonly<Record<string, unknown>>,
  at: number,
  wanted: ReadonlySet<string>,
): Aggregates {
  const found = noAggregates();
  for (const key of Object.keys(record)) {
    const name = key.endsWith('_sum') ? key.slice(0, -4) : undefined;
    if (name === undefined || (wanted.size > 0 && !wanted.has(name))) continue;
    const parts = ['n', 'sum', 'min', 'max', 'first', 'last'].map((part) => record[`${name}_${part}`]);
    if (!parts.every((value): value is number => Number.isFinite(value))) continue;
    const [n, sum, min, max, first, last] = parts as [number, number, number, number, number, number];
    found[name] = { n, sum, min, max, first, firstAt: at, last, lastAt: at };
  }
  return found;
}
