import { identityKeys, type VoltRecord } from '../../records/record.ts';
import { formatTime, parseTime } from '../../records/time.ts';
import { aggregateOf, aggregatesIn, fieldsOf, merge, mergeAll } from './aggregate.ts';
import { type Calendar, type WindowSize, windowSizes } from './calendar.ts';
import { loadSeries, type SavedSeries, saveSeries } from './saved.ts';
import { createSeries, type OpenWindow, type Series } from './series.ts';
import { numbersIn } from './values.ts';

/** How records are rolled up. */
export interface RollupOptions {
  sizes: readonly WindowSize[];
  calendar: Calendar;
  /** Fields to roll up; empty: every number. */
  fields: readonly string[];
  /** Types of readings; rollups of them are taken too. Empty: every type with a number and an identity. */
  types: readonly string[];
  /** Milliseconds that a window is still corrected after its end. */
  late: number;
  /** Series that are remembered; the one that was silent longest goes first. */
  maxSeries: number;
}

/** Puts readings together into calendar windows. */
export interface Rollup {
  /** Takes a record in. What comes out: windows that it ends, or the record itself when it is none to roll up. */
  take(record: VoltRecord): VoltRecord[];
  /** Every window that has changed since it was last put out, whether it is over or not. */
  flush(): VoltRecord[];
  /** Records that came too late for their window, so far. */
  readonly tooLate: number;
  /** All that is remembered, for {@link restore}. */
  snapshot(): readonly SavedSeries[];
  restore(saved: readonly SavedSeries[]): void;
}

const rolledUp = new RegExp(`^(.+)_(${windowSizes.join('|')})$`);

/** The type of the readings and the size of the window, of a record that is a rollup itself. */
function rollupOf({ type, n }: VoltRecord): { type: string; size: WindowSize } | undefined {
  const [, base, size] = (typeof n === 'number' && rolledUp.exec(type)) || [];
  return base === undefined ? undefined : { type: base, size: size as WindowSize };
}

/** Makes an empty rollup. */
export function createRollup(options: RollupOptions): Rollup {
  const { calendar, late, maxSeries } = options;
  const wanted = new Set(options.fields);
  const types = new Set(options.types);
  /** In the order of their last record. */
  const all = new Map<string, Series>();
  let tooLate = 0;

  const put = (series: Series, window: OpenWindow): VoltRecord => {
    window.dirty = false;
    const total = { n: window.n, fields: {} };
    mergeAll(total.fields, window.fields);
    for (const part of Object.values(window.parts ?? {})) {
      total.n += part.n;
      mergeAll(total.fields, part.fields);
    }
    return {
      type: `${series.type}_${window.size}`,
      time: formatTime(window.start),
      ...series.identity,
      n: total.n,
      ...fieldsOf(total.fields),
    };
  };

  const putDirty = (series: Series, windows: Iterable<OpenWindow>): VoltRecord[] =>
    [...windows].filter(({ dirty }) => dirty).map((window) => put(series, window));

  const seriesOf = (type: string, record: VoltRecord, out: VoltRecord[]): Series => {
    const identity: Record<string, unknown> = {};
    for (const key of identityKeys) if (record[key] !== undefined) identity[key] = record[key];
    const id = JSON.stringify([type, identity]);
    const series = all.get(id) ?? createSeries(type, identity);
    all.delete(id);
    all.set(id, series);
    if (all.size > maxSeries) {
      const [oldest, gone] = all.entries().next().value!;
      all.delete(oldest);
      out.push(...putDirty(gone, gone.windows));
    }
    return series;
  };

  /** The window of `size` at a time; undefined when it is over for too long. Windows that are over are put out. */
  const open = (series: Series, size: WindowSize, at: number, out: VoltRecord[]): OpenWindow | undefined => {
    const { start, end } = calendar.windowOf(size, at);
    const found = series.windows.find((one) => one.size === size && one.start === start);
    if (found) return found;
    if (end + late <= series.newest) return undefined;
    const others = series.windows.filter((one) => one.size === size);
    out.push(...putDirty(series, others));
    series.windows = series.windows.filter((one) => one.size !== size || one.end + late > series.newest);
    const window: OpenWindow = { size, start, end, n: 0, fields: {}, dirty: true };
    series.windows.push(window);
    return window;
  };

  const takeReading = (record: VoltRecord, at: number, numbers: readonly [string, number][]): VoltRecord[] => {
    const out: VoltRecord[] = [];
    const series = seriesOf(record.type, record, out);
    const again = at === series.newest;
    if (!again && series.hasSeen(at)) return out;
    series.see(at);
    let missed = false;
    for (const size of options.sizes) {
      const window = open(series, size, at, out);
      if (!window) {
        missed = true;
        continue;
      }
      let taken = false;
      for (const [name, value] of numbers) {
        const known = window.fields[name];
        // The same moment told twice is one value.
        if (again && known?.lastAt === at) continue;
        taken = true;
        if (known) merge(known, aggregateOf(value, at));
        else window.fields[name] = aggregateOf(value, at);
      }
      if (!again) window.n++;
      if (taken || !again) window.dirty = true;
    }
    if (missed) tooLate++;
    return out;
  };

  /** A window of a smaller size takes the place of what it said before. */
  const takeRollup = (record: VoltRecord, at: number, type: string, sizes: readonly WindowSize[]): VoltRecord[] => {
    const out: VoltRecord[] = [];
    const series = seriesOf(type, record, out);
    series.newest = Math.max(series.newest, at);
    const fields = aggregatesIn(record, at);
    let missed = false;
    for (const size of sizes) {
      const window = open(series, size, at, out);
      if (window) {
        window.parts ??= {};
        window.parts[record.time!] = { n: record.n as number, fields };
        window.dirty = true;
      } else missed = true;
    }
    if (missed) tooLate++;
    return out;
  };

  return {
    take(record) {
      const at = parseTime(record.time);
      const rollup = rollupOf(record);
      if (Number.isNaN(at) || (types.size > 0 && !types.has(rollup?.type ?? record.type))) return [record];
      if (rollup) {
        const larger = options.sizes.filter((size) => windowSizes.indexOf(size) > windowSizes.indexOf(rollup.size));
        return larger.length === 0 ? [record] : takeRollup(record, at, rollup.type, larger);
      }
      const numbers = numbersIn(record, wanted);
      return numbers.length === 0 ? [record] : takeReading(record, at, numbers);
    },
    flush: () => [...all.values()].flatMap((series) => putDirty(series, series.windows)),
    get tooLate() {
      return tooLate;
    },
    snapshot: () => [...all.values()].map(saveSeries),
    restore(saved) {
      for (const one of saved) all.set(JSON.stringify([one.type, one.identity]), loadSeries(one));
    },
  };
}
