import { commonKeys } from '../../records/common.ts';
import type { RecordKey } from '../../records/family.ts';
import { vocabulary } from '../../records/vocabulary.ts';
import { type Column, elementColumn, keyColumn, timeColumn } from './column.ts';
import type { TimeFormat } from './time.ts';

/** Columns that each list of a record gets: a header must not depend on what comes first. */
export type Widths = Readonly<Record<string, number>>;

/** What a header is made from. */
export interface LayoutOptions {
  widths: Widths;
  time: TimeFormat;
}

/** Lists of which nobody has said how wide they get. */
const otherWidth = 8;

/** A list whose places mean something is one of measurements, and has a unit. */
const isPositional = ({ kind, unit }: RecordKey): boolean => kind === 'array' && unit !== undefined;

/** `cells` → `cell_1`. */
const elementName = (key: string, index: number): string => `${key.replace(/s$/, '')}_${index + 1}`;

function columnsOf(key: RecordKey, { widths, time }: LayoutOptions): Column[] {
  if (key.name === 'time') return [timeColumn(key.name, time)];
  if (!isPositional(key)) return [keyColumn(key.name, key.kind)];
  const width = widths[key.name] ?? otherWidth;
  return Array.from({ length: width }, (_, index) => elementColumn(elementName(key.name, index), key.name, index));
}

/** The keys of a record type in the order of voltpipe-records(5), `time` first. */
function keysOf(type: string | undefined): readonly RecordKey[] {
  const family = vocabulary.find((one) => one.type === type);
  return [...commonKeys.toReversed(), ...(family?.keys ?? [])];
}

/** Whether the vocabulary has the type. */
export const isKnown = (type: string): boolean => vocabulary.some((family) => family.type === type);

/** The keys that the columns of a record type show. */
export const keyNames = (type: string): string[] => keysOf(type).map(({ name }) => name);

/** The columns of a record type: fixed, whatever its records hold. */
export function familyColumns(type: string, options: LayoutOptions): Column[] {
  return keysOf(type).flatMap((key) => columnsOf(key, options));
}

/**
 * The columns with these names, in this order: `cell_3` is an element, `cells` all of them; a name that the vocabulary doesn't have
 * is a key of any kind.
 *
 * @param whole `cells` stands for its elements (writing); in a file that is read it is one cell
 */
export function namedColumns(
  names: readonly string[],
  type: string | undefined,
  options: LayoutOptions,
  whole: boolean,
): Column[] {
  const keys = keysOf(type);
  return names.flatMap((name) => {
    const key = keys.find((one) => one.name === name);
    if (key) return whole || !isPositional(key) ? columnsOf(key, options) : [keyColumn(name, 'array')];
    return [elementNamed(name, keys) ?? keyColumn(name, 'any')];
  });
}

function elementNamed(name: string, keys: readonly RecordKey[]): Column | undefined {
  const match = /^(.+)_([1-9]\d{0,3})$/.exec(name);
  const key = match && keys.find((one) => isPositional(one) && elementName(one.name, 0) === `${match[1]}_1`);
  return key ? elementColumn(name, key.name, Number(match[2]) - 1) : undefined;
}
