import type { VoltRecord } from '../../records/record.ts';
import { bmsLogColumns, bmsLogWidths } from './bms-log.ts';
import { type Column, keyColumn } from './column.ts';
import { type Dialect, lineWriter } from './dialect.ts';
import { familyColumns, isKnown, keyNames, namedColumns, type Widths } from './layout.ts';
import { type TimeFormatName, timeFormats } from './time.ts';

/** What the columns are. */
export interface CsvOptions extends Dialect {
  /** The record type that the table is of; undefined: that of the first record. */
  type: string | undefined;
  /** Names of columns in their order; none: all that the type has. */
  columns: readonly string[];
  preset: 'bms-log' | undefined;
  widths: Widths;
  time: TimeFormatName;
}

/** Records to lines of CSV, without their ends. */
export interface CsvWriter {
  /** The line of names; undefined while the type is not known, before the first record. */
  header(): string | undefined;
  /** A record's line; undefined: it is of another type than the table. */
  line(record: VoltRecord): string | undefined;
  /** `cells` when the record has more of them than there are columns: those beyond are in no cell. */
  tooWide(record: VoltRecord): string | undefined;
  /** Keys that no column shows, each once and not without end; none where somebody has chosen or fixed the columns. */
  strangeKeys(record: VoltRecord): readonly string[];
}

/** Keys that are told of: a source that makes up new ones all the time is known by then. */
const toldKeys = 20;
const none: readonly string[] = [];

/** A preset's record type, otherwise the one that was named. */
export const typeOf = ({ preset, type }: Pick<CsvOptions, 'preset' | 'type'>): string | undefined =>
  preset === 'bms-log' ? 'battery_reading' : type;

/** Makes a writer. The header depends on the options and the type alone; of a type that the vocabulary lacks, on its first record. */
export function csvWriter(options: CsvOptions): CsvWriter {
  const write = lineWriter(options);
  const widths: Widths = options.preset === 'bms-log' ? bmsLogWidths : options.widths;
  const lists = Object.keys(widths);
  let type = typeOf(options);
  let columns: readonly Column[] | undefined;
  const isChosen = options.columns.length > 0 || options.preset !== undefined;
  /** Keys that have a column, or were told of. */
  let known: Set<string> | undefined;
  let told = 0;

  const layout = (first?: VoltRecord): readonly Column[] | undefined => {
    if (columns) return columns;
    if (options.preset === 'bms-log') columns = bmsLogColumns;
    else if (type === undefined) return undefined;
    else columns = ofType(type, options, first);
    return columns;
  };

  return {
    header: () => {
      const found = layout();
      return found && write(found.map(({ name }) => name));
    },
    line(record) {
      type ??= record.type;
      if (record.type !== type) return undefined;
      return write(layout(record)!.map((column) => column.get(record)));
    },
    tooWide(record) {
      for (const key of lists) {
        const list = record[key];
        if (Array.isArray(list) && list.length > widths[key]!) return key;
      }
      return undefined;
    },
    strangeKeys(record) {
      if (isChosen || told >= toldKeys) return none;
      known ??= new Set([...keyNames(record.type), ...(isKnown(record.type) ? none : Object.keys(record))]);
      let strange = none;
      for (const key in record) {
        if (known.has(key)) continue;
        known.add(key);
        told++;
        strange = [...strange, key];
      }
      return strange;
    },
  };
}

function ofType(type: string, options: CsvOptions, first: VoltRecord | undefined): readonly Column[] | undefined {
  const settings = { widths: options.widths, time: timeFormats[options.time] };
  if (options.columns.length > 0) return namedColumns(options.columns, type, settings, true);
  const known = familyColumns(type, settings);
  if (isKnown(type)) return known;
  if (!first) return undefined;
  const names = new Set(known.map(({ name }) => name));
  const further = Object.keys(first).filter((key) => !names.has(key));
  return [...known, ...further.map((key) => keyColumn(key, 'any'))];
}
