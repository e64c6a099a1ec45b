import type { VoltRecord } from '../../records/record.ts';
import { formatTime, parseTime } from '../../records/time.ts';
import { type Column, elementColumn, keyColumn } from './column.ts';

/*
 * BMSLogEntry of the ESP32 requirement (ESP-38 to ESP-43), one column a member, arrays in as many as they have elements:
 *
 *   uint32 timestamp          seconds since 1970
 *   float  packVoltage        V
 *   float  packCurrent        A, + charging
 *   float  packSOC            %
 *   float  power              W
 *   float  temperatures[16]   °C
 *   float  cellVoltages[48]   V
 *   uint32 balanceState       bit n: cell n + 1 is being balanced
 *   uint16 alarmFlags         the protection bits as the device sent them
 *
 * What a member can't hold (a cell above 32 that is balanced, a seventeenth alarm bit) is unknown there: an empty cell, never a part.
 */

/** Elements of the two arrays. */
export const bmsLogWidths = { temperatures: 16, cells: 48 } as const;

const uint32 = 2 ** 32 - 1;
const uint16 = 2 ** 16 - 1;

const whole = (text: string, max: number): number | undefined => {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  return Number.isInteger(value) && value >= 0 && value <= max ? value : undefined;
};

const renamed = (name: string, key: string): Column => ({ ...keyColumn(key, 'number'), name });

const elements = (name: string, key: keyof typeof bmsLogWidths): Column[] =>
  Array.from({ length: bmsLogWidths[key] }, (_, index) => elementColumn(`${name}_${index + 1}`, key, index));

const timestamp: Column = {
  name: 'timestamp',
  get({ time }) {
    const seconds = Math.floor(parseTime(time) / 1000);
    return seconds >= 0 && seconds <= uint32 ? seconds : undefined;
  },
  put(draft, text) {
    const seconds = whole(text, uint32);
    if (seconds === undefined) return 'no seconds since 1970';
    draft.time = formatTime(seconds * 1000);
    return undefined;
  },
};

const balanceState: Column = {
  name: 'balanceState',
  get({ balancing }: VoltRecord) {
    if (!Array.isArray(balancing)) return undefined;
    let bits = 0;
    for (const cell of balancing as number[]) {
      if (!(Number.isInteger(cell) && cell >= 1 && cell <= 32)) return undefined;
      bits |= 1 << (cell - 1);
    }
    return bits >>> 0;
  },
  put(draft, text) {
    const bits = whole(text, uint32);
    if (bits === undefined) return 'no 32-bit number';
    draft.balancing = Array.from({ length: 32 }, (_, bit) => bit + 1).filter((cell) => (bits >>> (cell - 1)) & 1);
    return undefined;
  },
};

const alarmFlags: Column = {
  name: 'alarmFlags',
  get({ alarm_flags: flags }) {
    return typeof flags === 'number' && Number.isInteger(flags) && flags >= 0 && flags <= uint16 ? flags : undefined;
  },
  put(draft, text) {
    const flags = whole(text, uint16);
    if (flags === undefined) return 'no 16-bit number';
    draft.alarm_flags = flags;
    return undefined;
  },
};

/** The columns of `BMSLogEntry`, of and for `battery_reading`. */
export const bmsLogColumns: readonly Column[] = [
  timestamp,
  renamed('packVoltage', 'voltage'),
  renamed('packCurrent', 'current'),
  renamed('packSOC', 'state_of_charge'),
  keyColumn('power', 'number'),
  ...elements('temperatures', 'temperatures'),
  ...elements('cellVoltages', 'cells'),
  balanceState,
  alarmFlags,
];
