import { identityIn, type VoltRecord } from '../../records/record.ts';
import { formatTime, parseTime } from '../../records/time.ts';
import { aggregatesIn, fieldsOf } from './aggregate.ts';
import { type Calendar, type WindowSize, windowSizes } from './calendar.ts';
import { loadSeries, type SavedSeries, saveSeries } from './saved.ts';
import { createSeries, type Series } from './series.ts';
import { numbersIn } from './values.ts';
import { addPart, addReading, type OpenWindow, totalOf } from './window.ts';

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
  /** Moments of readings that are remembered of a series at most. */
  maxSeen: number;
}

/** Puts readings together into calendar windows. */
export interface Rollup {
  /**
   * Takes a record in. What comes out: windows that it ends, or the record itself when it is none to roll up.
   *
   * @param now what the clock says: a reading that is ahead of it makes no other one late
   */
  take(record: VoltRecord, now: number): VoltRecord[];
  /** Every window that has changed since it was last put out, whether it is over or not. */
  flush(): VoltRecord[];
  /** Records that came too late for their window, so far. */
  readonly tooLate: number;
  /** Records that were ahead of the clock, so far. */
  readonly ahead: number;
  /** All that is remembered, for {@link restore}, at the moment that it is saved. */
  snapshot(): readonly SavedSeries[];
  restore(saved: readonly SavedSeries[]): void;
}

/** A device's clock may be ahead of ours by so much. */
const tolerated = 10 * 60_000;
/** Windows of one size and series, at most, that begin in a future which nobody believes. */
const mostAhead = 8;

const rolledUp = new RegExp(`^(.+)_(${windowSizes.join('|')})$`);

/** The type of the readings and the size of the window, of a record that is a rollup itself. */
function rollupOf({ type, n }: VoltRecord): { type: string; size: WindowSize } | undefined {
  const [, base, size] = (typeof n === 'number' && rolledUp.exec(type)) || [];
  return base === undefined ? undefined : { type: base, size: size as WindowSize };
}

/** The newest time of a series that can be believed: a clock may have been wrong, and be right again. */
const believable = ({ newest, seen }: Series, limit: number): number =>
  newest <= limit ? newest : Math.max(Number.NEGATIVE_INFINITY, ...seen.filter((at) => at <= limit));

/** Makes an empty rollup. */
export function createRollup(options: RollupOptions): Rollup {
  const { calendar, late, maxSeries, maxSeen } = options;
  const wanted = new Set(options.fields);
  const types = new Set(options.types);
  /** In the order of their last record. */
  const all = new Map<string, Series>();
  let tooLate = 0;
  let ahead = 0;

  const put = (series: Series, window: OpenWindow): VoltRecord => {
    window.dirty = false;
    const { n, fields } = totalOf(window);
    return {
      type: `${series.type}_${window.size}`,
      time: formatTime(window.start),
      ...series.identity,
      n,
      ...fieldsOf(fields),
    };
  };

  const putDirty = (series: Series, windows: readonly OpenWindow[]): VoltRecord[] =>
    windows.filter(({ dirty }) => dirty).map((window) => put(series, window));

  const seriesOf = (type: string, record: VoltRecord, out: VoltRecord[]): Series => {
    const identity = identityIn(record);
    const id = JSON.stringify([type, identity]);
    const series = all.get(id) ?? createSeries(type, identity, maxSeen);
    all.delete(id);
    all.set(id, series);
    if (all.size > maxSeries) {
      const [oldest, gone] = all.entries().next().value!;
      all.delete(oldest);
      out.push(...putDirty(gone, gone.windows));
    }
    return series;
  };

  /** Moves a series on to a time, if it can be that late. */
  const moveOn = (series: Series, at: number, limit: number): void => {
    if (at > limit) ahead++;
    series.newest = believable(series, limit);
    if (at <= limit) series.newest = Math.max(series.newest, at);
  };

  /** The window of `size` at a time; undefined when it is over for too long. Windows that are over are put out. */
  const open = (
    series: Series,
    size: WindowSize,
    at: number,
    limit: number,
    out: VoltRecord[],
  ): OpenWindow | undefined => {
    const { start, end } = calendar.windowOf(size, at);
    const found = series.windows.find((one) => one.size === size && one.start === start);
    if (found) return found;
    if (end + late <= series.newest) return undefined;
    const others = series.windows.filter((one) => one.size === size);
    out.push(...putDirty(series, others));
    const future = others.filter((one) => one.start > limit);
    const surplus = future.slice(0, Math.max(0, future.length + 1 - mostAhead));
    const gone = new Set(others.filter((one) => one.end + late <= series.newest).concat(surplus));
    const window: OpenWindow = { size, start, end, sources: {}, dirty: true };
    series.windows = [...series.windows.filter((one) => !gone.has(one)), window];
    return window;
  };

  const takeReading = (
    record: VoltRecord,
    at: number,
    numbers: readonly [string, number][],
    limit: number,
  ): VoltRecord[] => {
    const out: VoltRecord[] = [];
    const series = seriesOf(record.type, record, out);
    const again = at === series.seen.at(-1);
    if (!again && series.hasSeen(at)) return out;
    if (!again) series.see(at);
    moveOn(series, at, limit);
    let missed = false;
    for (const size of options.sizes) {
      const window = open(series, size, at, limit, out);
      if (window) addReading(window, at, numbers, again);
      else missed = true;
    }
    if (missed) tooLate++;
    return out;
  };

  /** A window of a smaller size takes the place of what it said before. */
  const takeRollup = (
    record: VoltRecord,
    at: number,
    { type, size: from }: { type: string; size: WindowSize },
    sizes: readonly WindowSize[],
    limit: number,
  ): VoltRecord[] => {
    const fields = aggregatesIn(record, at, wanted);
    const counts = Object.values(fields).map((field) => field.n);
    if (wanted.size > 0 && counts.length === 0) return [];
    // How many readings had one of several fields is not known: as many as had the most frequent one.
    const n = wanted.size > 0 ? Math.max(...counts) : (record.n as number);
    const out: VoltRecord[] = [];
    const series = seriesOf(type, record, out);
    moveOn(series, at, limit);
    const { end } = calendar.windowOf(from, at);
    let missed = false;
    for (const size of sizes) {
      const window = open(series, size, at, limit, out);
      if (!window || !addPart(window, from, at, { n, fields, end }, series.newest - late)) missed = true;
    }
    if (missed) tooLate++;
    return out;
  };

  return {
    take(record, now) {
      const at = parseTime(record.time);
      const rollup = rollupOf(record);
      if (Number.isNaN(at) || (types.size > 0 && !types.has(rollup?.type ?? record.type))) return [record];
      const limit = now + tolerated;
      if (rollup) {
        const larger = options.sizes.filter((size) => windowSizes.indexOf(size) > windowSizes.indexOf(rollup.size));
        return larger.length === 0 ? [record] : takeRollup(record, at, rollup, larger, limit);
      }
      const numbers = numbersIn(record, wanted);
      if (numbers.length > 0) return takeReading(record, at, numbers, limit);
      return types.size > 0 ? [] : [record];
    },
    flush: () => [...all.values()].flatMap((series) => putDirty(series, series.windows)),
    get tooLate() {
      return tooLate;
    },
    get ahead() {
      return ahead;
    },
    snapshot: () =>
      [...all.values()].map((series) => {
        series.saved();
        return saveSeries(series);
      }),
    restore(saved) {
      for (const one of saved) all.set(JSON.stringify([one.type, one.identity]), loadSeries(one, maxSeen));
    },
  };
}
