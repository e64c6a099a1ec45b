import { type Aggregates, aggregateOf, merge, mergeAll, noAggregates } from './aggregate.ts';
import type { WindowSize } from './calendar.ts';
import { addRange, covers, type Ranges } from './ranges.ts';

/** A number of readings, and what they said. */
export interface Share {
  n: number;
  fields: Aggregates;
}

/** What a smaller window said, until its `end`. */
export interface Part extends Share {
  end: number;
}

/** All that one kind of record said of a window: the readings themselves, or their rollups of one size. */
export interface Source extends Share {
  /** Smaller windows that may be said again, corrected, by their start. */
  parts: Map<number, Part>;
  /** The spans of those that can't any more: they are taken into `fields`. */
  folded: Ranges;
}

/** Whose word it is. */
export type SourceName = 'reading' | WindowSize;

/** A window that still takes values. */
export interface OpenWindow {
  size: WindowSize;
  start: number;
  end: number;
  sources: Partial<Record<SourceName, Source>>;
  /** Changed since it was last put out. */
  dirty: boolean;
}

/** Nothing was said. */
export const emptySource = (): Source => ({ n: 0, fields: noAggregates(), parts: new Map(), folded: [] });

const sourceOf = ({ sources }: OpenWindow, name: SourceName): Source => {
  sources[name] ??= emptySource();
  return sources[name];
};

/**
 * Adds a reading's numbers.
 *
 * @param again its moment was told just before: what both tell is one value
 */
export function addReading(window: OpenWindow, at: number, numbers: readonly [string, number][], again: boolean): void {
  const source = sourceOf(window, 'reading');
  const { fields } = source;
  let taken = !again;
  for (const [name, value] of numbers) {
    const known = fields[name];
    if (again && known?.lastAt === at) continue;
    taken = true;
    if (known) merge(known, aggregateOf(value, at));
    else fields[name] = aggregateOf(value, at);
  }
  if (!again) source.n++;
  if (taken) window.dirty = true;
}

/**
 * Puts what a smaller window says in the place of what it said before. False: that can't be told apart any more.
 *
 * @param over the time at or before which a part has its last word said
 */
export function addPart(window: OpenWindow, name: SourceName, start: number, part: Part, over: number): boolean {
  const source = sourceOf(window, name);
  if (covers(source.folded, start)) return false;
  source.parts.set(start, part);
  window.dirty = true;
  for (const [from, one] of source.parts) {
    if (one.end > over) continue;
    source.n += one.n;
    mergeAll(source.fields, one.fields);
    addRange(source.folded, from, one.end);
    source.parts.delete(from);
  }
  return true;
}

const totalOfSource = ({ n, fields, parts }: Source): Share => {
  const total: Share = { n, fields: noAggregates() };
  mergeAll(total.fields, fields);
  for (const part of parts.values()) {
    total.n += part.n;
    mergeAll(total.fields, part.fields);
  }
  return total;
};

/** What is known of a window. Readings and rollups of them say the same: of several kinds, the one that knows of most readings counts. */
export function totalOf({ sources }: OpenWindow): Share {
  return Object.values(sources)
    .map(totalOfSource)
    .reduce((most, one) => (one.n > most.n ? one : most));
}
