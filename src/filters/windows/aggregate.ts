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

/** Takes all of `more` into `into`. */
export function mergeAll(into: Aggregates, more: Readonly<Aggregates>): void {
  for (const [name, aggregate] of Object.entries(more)) {
    const known = into[name];
    if (known) merge(known, aggregate);
    else into[name] = { ...aggregate };
  }
}

/** The fields of a record: `voltage_n`, `voltage_sum`, `voltage_min`, `voltage_max`, `voltage_mean`, `voltage_first`, `voltage_last`. */
export function fieldsOf(aggregates: Readonly<Aggregates>): Record<string, number> {
  const fields: Record<string, number> = {};
  for (const [name, { n, sum, min, max, first, last }] of Object.entries(aggregates)) {
    fields[`${name}_n`] = n;
    fields[`${name}_sum`] = clean(sum);
    fields[`${name}_min`] = min;
    fields[`${name}_max`] = max;
    fields[`${name}_mean`] = clean(sum / n);
    fields[`${name}_first`] = first;
    fields[`${name}_last`] = last;
  }
  return fields;
}

/** The aggregates that a record of {@link fieldsOf} was made of. Its time stands for those of first and last. */
export function aggregatesIn(record: Readonly<Record<string, unknown>>, at: number): Aggregates {
  const found: Aggregates = {};
  for (const key of Object.keys(record)) {
    if (!key.endsWith('_sum')) continue;
    const name = key.slice(0, -4);
    const [n, sum, min, max, first, last] = ['n', 'sum', 'min', 'max', 'first', 'last'].map(
      (part) => record[`${name}_${part}`],
    );
    if (![n, sum, min, max, first, last].every((value) => typeof value === 'number' && Number.isFinite(value)))
      continue;
    found[name] = {
      n: n as number,
      sum: sum as number,
      min: min as number,
      max: max as number,
      first: first as number,
      firstAt: at,
      last: last as number,
      lastAt: at,
    };
  }
  return found;
}
