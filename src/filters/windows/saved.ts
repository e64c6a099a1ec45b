import type { Aggregate, Aggregates } from './aggregate.ts';
import { createSeries, type OpenWindow, type Series } from './series.ts';

/** Aggregates as texts of eight numbers each: a file that is written every second should be short. */
type SavedAggregates = Record<string, string>;

interface SavedWindow extends Omit<OpenWindow, 'fields' | 'parts'> {
  fields: SavedAggregates;
  parts?: Record<string, { n: number; fields: SavedAggregates }>;
}

/** A series as it stands in a file. */
export interface SavedSeries {
  type: string;
  identity: Readonly<Record<string, unknown>>;
  newest: number;
  /** The moments seen, as milliseconds before `newest`, to the base 36. */
  seen: string;
  windows: SavedWindow[];
}

const saveAll = (aggregates: Readonly<Aggregates>): SavedAggregates =>
  Object.fromEntries(
    Object.entries(aggregates).map(([name, { n, sum, min, max, first, firstAt, last, lastAt }]) => [
      name,
      [n, sum, min, max, first, firstAt, last, lastAt].join(' '),
    ]),
  );

const loadAll = (saved: SavedAggregates): Aggregates =>
  Object.fromEntries(
    Object.entries(saved).map(([name, text]): [string, Aggregate] => {
      const [n = 0, sum = 0, min = 0, max = 0, first = 0, firstAt = 0, last = 0, lastAt = 0] = text
        .split(' ')
        .map(Number);
      return [name, { n, sum, min, max, first, firstAt, last, lastAt }];
    }),
  );

type Part = { n: number };
const eachPart = <A, B>(
  parts: Record<string, Part & { fields: A }>,
  change: (fields: A) => B,
): Record<string, Part & { fields: B }> =>
  Object.fromEntries(Object.entries(parts).map(([time, { n, fields }]) => [time, { n, fields: change(fields) }]));

/** What a file keeps of a series. */
export function saveSeries({ type, identity, newest, seen, windows }: Series): SavedSeries {
  return {
    type,
    identity,
    newest,
    seen: seen.map((at) => (newest - at).toString(36)).join(' '),
    windows: windows.map(({ fields, parts, ...window }) => ({
      ...window,
      fields: saveAll(fields),
      ...(parts ? { parts: eachPart(parts, saveAll) } : {}),
    })),
  };
}

/** The series of which {@link saveSeries} was made. */
export function loadSeries({ type, identity, newest, seen, windows }: SavedSeries): Series {
  return Object.assign(createSeries(type, identity), {
    newest,
    seen: seen === '' ? [] : seen.split(' ').map((text) => newest - Number.parseInt(text, 36)),
    windows: windows.map(({ fields, parts, ...window }) => ({
      ...window,
      fields: loadAll(fields),
      ...(parts ? { parts: eachPart(parts, loadAll) } : {}),
    })),
  });
}
