import { formatTime, parseTime } from '../../records/time.ts';

/** How a point in time is written in a cell. */
export interface TimeFormat {
  name: string;
  /** From the `time` of a record; what is no time is left empty. */
  show(time: string): string | number | undefined;
  /** To the `time` of a record; undefined: it is none. */
  read(text: string): string | undefined;
}

const ofNumber = (name: string, perSecond: number): TimeFormat => ({
  name,
  show(time) {
    const ms = parseTime(time);
    return Number.isNaN(ms) ? undefined : (ms * perSecond) / 1000;
  },
  read(text) {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    return fromMs((value / perSecond) * 1000);
  },
});

/** The years that four digits can write. */
const earliest = -62_135_596_800_000;
const latest = 253_402_300_799_999;

const fromMs = (ms: number): string | undefined => {
  const whole = Math.round(ms);
  return whole >= earliest && whole <= latest ? formatTime(whole) : undefined;
};

/** The forms, by name. `sql` is what spreadsheets and databases read without being told: UTC, with a space and no zone. */
export const timeFormats = {
  rfc3339: {
    name: 'rfc3339',
    show: (time) => time,
    read: (text) => fromMs(parseTime(text)),
  },
  sql: {
    name: 'sql',
    show(time) {
      const ms = parseTime(time);
      if (Number.isNaN(ms)) return undefined;
      const utc = time.endsWith('Z') ? time : formatTime(ms);
      return utc.replace('T', ' ').slice(0, -1);
    },
    read: (text) => fromMs(parseTime(`${text.trim().replace(' ', 'T')}Z`)),
  },
  unix: ofNumber('unix', 1),
  'unix-ms': ofNumber('unix-ms', 1000),
} as const satisfies Record<string, TimeFormat>;

/** A name of the table above. */
export type TimeFormatName = keyof typeof timeFormats;
