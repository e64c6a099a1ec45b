/** The digit at `at`, or NaN, which then fails every comparison. */
function digit(text: string, at: number): number {
  const value = text.charCodeAt(at) - 48;
  return value >= 0 && value <= 9 ? value : Number.NaN;
}

const two = (text: string, at: number): number => digit(text, at) * 10 + digit(text, at + 1);

const colon = 58;
const plainDay = /^\d{4}-\d\d-\d\d$/;

/** The day parsed last, as text and in milliseconds: time stamps come in runs of one day. */
let lastDay = '';
let lastDayMs = Number.NaN;

function dayMs(text: string): number {
  const day = text.slice(0, 10);
  if (day !== lastDay) {
    lastDay = day;
    lastDayMs = plainDay.test(day) ? Date.parse(`${day}T00:00:00.000Z`) : Number.NaN;
  }
  return lastDayMs;
}

/**
 * Milliseconds since 1970 of an RFC 3339 time stamp; NaN for anything else, a time without a zone included.
 *
 * UTC with a `Z`, with milliseconds or without, is what nearly every source sends, and is read digit by digit: `Date.parse`
 * takes several times as long and would be a good part of what `normalize` spends on a line.
 */
export function parseTime(text: unknown): number {
  if (typeof text !== 'string') return Number.NaN;
  const withMillis = text.length === 24 && text.charCodeAt(19) === 46;
  if ((!withMillis && text.length !== 20) || text.charCodeAt(text.length - 1) !== 90) return parseOther(text);
  if (text.charCodeAt(10) !== 84 || text.charCodeAt(13) !== colon || text.charCodeAt(16) !== colon) return Number.NaN;
  const hours = two(text, 11);
  const minutes = two(text, 14);
  const seconds = two(text, 17);
  const millis = withMillis ? digit(text, 20) * 100 + two(text, 21) : 0;
  if (!(hours < 24 && minutes < 60 && seconds < 60 && millis < 1000)) return Number.NaN;
  return dayMs(text) + ((hours * 60 + minutes) * 60 + seconds) * 1000 + millis;
}

const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)$/;

function parseOther(text: string): number {
  return rfc3339.test(text) ? Date.parse(text.replace(/([+-]\d\d)(\d\d)$/, '$1:$2')) : Number.NaN;
}

/** How far the clocks of devices may run ahead of ours, in ms: a record of a later time has a wrong one. */
export const furthestAhead = 3_600_000;

/** Seconds and milliseconds as text, each made when it is first written. */
const twoDigits = new Array<string | undefined>(60);
const threeDigits = new Array<string | undefined>(1000);

/** The minute written last, as a number and as the text up to its seconds. */
let lastMinute = Number.NaN;
let lastMinuteText = '';

const asTwo = (value: number): string => {
  twoDigits[value] ??= String(value).padStart(2, '0');
  return twoDigits[value];
};

/** `2026-03-01T12:00:`. Put together from its parts: the first `toISOString` of a process reads the local time zone from disk. */
function minuteText(at: Date): string {
  const year = at.getUTCFullYear();
  if (!(year >= 1000 && year <= 9999)) return at.toISOString().slice(0, 17);
  const day = `${year}-${asTwo(at.getUTCMonth() + 1)}-${asTwo(at.getUTCDate())}`;
  return `${day}T${asTwo(at.getUTCHours())}:${asTwo(at.getUTCMinutes())}:`;
}

/** RFC 3339 in UTC with milliseconds, the form of every `time`; the counterpart of {@link parseTime}, and as fast. */
export function formatTime(ms: number): string {
  const minute = Math.floor(ms / 60_000);
  if (minute !== lastMinute) {
    lastMinuteText = minuteText(new Date(minute * 60_000));
    lastMinute = minute;
  }
  const rest = ms - minute * 60_000;
  const seconds = Math.floor(rest / 1000);
  const millis = Math.floor(rest - seconds * 1000);
  threeDigits[millis] ??= String(millis).padStart(3, '0');
  return `${lastMinuteText}${asTwo(seconds)}.${threeDigits[millis]}Z`;
}
