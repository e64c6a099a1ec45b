import { type Aggregates, noAggregates } from './aggregate.ts';
import type { Ranges } from './ranges.ts';
import { createSeries, type Series } from './series.ts';
import type { OpenWindow, Source, SourceName } from './window.ts';

/** Aggregates as texts of eight numbers each: a file that is written again and again should be short. */
type SavedAggregates = Record<string, string>;

interface SavedShare {
  n: number;
  fields: SavedAggregates;
}

interface SavedSource extends SavedShare {
  parts?: (SavedShare & { start: number; end: number })[];
  folded?: Ranges;
}

interface SavedWindow extends Omit<OpenWindow, 'sources'> {
  sources: Partial<Record<SourceName, SavedSource>>;
}

/** A series as it stands in a file. */
export interface SavedSeries {
  type: string;
  identity: Readonly<Record<string, unknown>>;
  /** Absent: no reading is believed yet. */
  newest?: number;
  /** The moments seen, each as milliseconds after the one before, to the base 36. */
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

function loadAll(saved: SavedAggregates): Aggregates {
  const aggregates = noAggregates();
  for (const [name, text] of Object.entries(saved)) {
    const [n = 0, sum = 0, min = 0, max = 0, first = 0, firstAt = 0, last = 0, lastAt = 0] = text
      .split(' ')
      .map(Number);
    aggregates[name] = { n, sum, min, max, first, firstAt, last, lastAt };
  }
  return aggregates;
}

const saveSource = ({ n, fields, parts, folded }: Source): SavedSource => ({
  n,
  fields: saveAll(fields),
  ...(parts.size > 0
    ? { parts: [...parts].map(([start, part]) => ({ start, ...part, fields: saveAll(part.fields) })) }
    : {}),
  ...(folded.length > 0 ? { folded: folded.map(([start, end]): Ranges[number] => [start, end]) } : {}),
});

const loadSource = ({ n, fields, parts = [], folded = [] }: SavedSource): Source => ({
  n,
  fields: loadAll(fields),
  parts: new Map(parts.map(({ start, ...part }) => [start, { ...part, fields: loadAll(part.fields) }])),
  folded,
});

const eachSource = <A, B>(
  sources: Partial<Record<SourceName, A>>,
  change: (source: A) => B,
): Partial<Record<SourceName, B>> =>
  Object.fromEntries(Object.entries(sources).map(([name, source]) => [name, change(source)]));

/** Moments of one device lie close together, in the order of their coming: what is between two of them is short. */
const saveMoments = (moments: readonly number[]): string =>
  moments.map((at, i) => (at - (moments[i - 1] ?? 0)).toString(36)).join(' ');

function loadMoments(saved: string): number[] {
  let at = 0;
  return saved === ''
    ? []
    : saved.split(' ').map((text) => {
        at += Number.parseInt(text, 36);
        return at;
      });
}

/** What a file keeps of a series. */
export function saveSeries({ type, identity, newest, seen, windows }: Series): SavedSeries {
  return {
    type,
    identity,
    ...(Number.isFinite(newest) ? { newest } : {}),
    seen: saveMoments(seen),
    windows: windows.map(({ sources, ...window }) => ({ ...window, sources: eachSource(sources, saveSource) })),
  };
}

/** The series of which {@link saveSeries} was made; `most` as for `createSeries`. */
export function loadSeries(saved: SavedSeries, most: number): Series {
  const { type, identity, newest = Number.NEGATIVE_INFINITY, seen, windows } = saved;
  return Object.assign(createSeries(type, identity, most), {
    newest,
    seen: loadMoments(seen),
    windows: windows.map(({ sources, ...window }) => ({ ...window, sources: eachSource(sources, loadSource) })),
  });
}
