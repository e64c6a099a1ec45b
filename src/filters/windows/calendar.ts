/** The sizes of calendar windows. */
export const windowSizes = ['1h', '1d', '1mo', '1y'] as const;

/** The size of a calendar window. */
export type WindowSize = (typeof windowSizes)[number];

/** From `start` up to, not including, `end`; milliseconds since 1970. */
export interface Window {
  start: number;
  end: number;
}

/** Hours, days, months and years as people in a time zone have them: a day may have 23 or 25 hours. */
export interface Calendar {
  /** The window of a size that holds the time. */
  windowOf(size: WindowSize, ms: number): Window;
}

const hour = 3_600_000;
const day = 24 * hour;

/** Date and time of a clock on the wall, as milliseconds that UTC would have. */
type WallTime = (ms: number) => number;

/** @throws RangeError for a zone that nobody knows */
function wallTimeIn(zone: string): WallTime {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  if (['UTC', 'Etc/UTC', 'GMT'].includes(format.resolvedOptions().timeZone)) return (ms) => ms;
  return (ms) => {
    const part = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
    const { year = 0, month = 1, day: date = 1, hour: hours = 0, minute = 0, second = 0 } = part;
    return Date.UTC(year, month - 1, date, hours, minute, second) + (((ms % 1000) + 1000) % 1000);
  };
}

/**
 * The first moment at which the clocks show `wall` or, where they skip it, something later. A clock that is put back shows a time
 * twice: the first counts.
 */
function momentOf(wallTime: WallTime, wall: number): number {
  const offsets = [wall - day, wall + day].map((near) => wallTime(near) - near);
  const [early = 0, late = 0] = offsets.map((offset) => wall - offset).sort((a, b) => a - b);
  return [early, late].find((moment) => wallTime(moment) >= wall) ?? late;
}

/** Start and end of a window on the wall. */
function wallWindow(size: Exclude<WindowSize, '1h'>, wall: number): [number, number] {
  const date = new Date(wall);
  const [year, month, number] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  if (size === '1d') return [Date.UTC(year, month, number), Date.UTC(year, month, number + 1)];
  if (size === '1mo') return [Date.UTC(year, month), Date.UTC(year, month + 1)];
  return [Date.UTC(year, 0), Date.UTC(year + 1, 0)];
}

/**
 * The hour of a clock on the wall that holds a moment. Where the clock is changed in the middle of it, it ends there and another begins:
 * Lord Howe Island's clocks move by half an hour.
 */
function hourOf(wallTime: WallTime, ms: number): Window {
  const offset = (at: number): number => wallTime(at) - at;
  const mine = offset(ms);
  const wall = ms + mine;
  const start = ms - (((wall % hour) + hour) % hour);
  const end = start + hour;
  /** The first moment after `from`, up to `to`, for which `isPast` holds: it holds for all behind it. */
  const firstOf = (from: number, to: number, isPast: (at: number) => boolean): number => {
    let [before, past] = [from, to];
    while (past - before > 1) {
      const middle = Math.floor((before + past) / 2);
      if (isPast(middle)) past = middle;
      else before = middle;
    }
    return past;
  };
  return {
    start: offset(start) === mine ? start : firstOf(start, ms, (at) => offset(at) === mine),
    end: offset(end - 1) === mine ? end : firstOf(ms, end - 1, (at) => offset(at) !== mine),
  };
}

/** Windows of each size that are remembered: asking the zone takes microseconds. */
const remembered = 4;

/** @param zone name of a time zone, `Europe/Berlin`; a RangeError when nobody knows it */
export function createCalendar(zone: string): Calendar {
  const wallTime = wallTimeIn(zone);
  const known: Record<WindowSize, Window[]> = { '1h': [], '1d': [], '1mo': [], '1y': [] };

  const find = (size: WindowSize, ms: number): Window => {
    if (size === '1h') return hourOf(wallTime, ms);
    const [start, end] = wallWindow(size, wallTime(ms)).map((one) => momentOf(wallTime, one));
    return { start: start!, end: end! };
  };

  return {
    windowOf(size, ms) {
      const list = known[size];
      for (const window of list) if (ms >= window.start && ms < window.end) return window;
      const window = find(size, ms);
      list.unshift(window);
      if (list.length > remembered) list.pop();
      return window;
    },
  };
}
