import type { VoltRecord } from '../../records/record.ts';
import { bmsLogColumns } from './bms-log.ts';
import { type Column, type Draft, dropTornLists } from './column.ts';
import { unescapeFormula } from './dialect.ts';
import { namedColumns } from './layout.ts';
import { type Row, rowReader } from './rows.ts';
import { timeFormats } from './time.ts';
import { type CsvOptions, typeOf } from './writer.ts';

/** How lines become records again. */
export interface CsvReaderOptions extends CsvOptions {
  /** The first row names the columns; without one `columns` or `preset` does. */
  hasHeader: boolean;
  /** Keys that the table lacks. */
  set: Readonly<Record<string, string>>;
}

/** A record, or why a row is none. */
export type CsvReading =
  | { record: VoltRecord; fault?: undefined }
  | { record?: undefined; line: number; fault: string };

/** Lines of CSV to records, piece by piece. */
export interface CsvReader {
  push(text: string): CsvReading[];
  end(): CsvReading[];
}

/** Makes a reader: the way back of `csvWriter`, and the way in for tables of others. An empty cell is an absent key. */
export function csvReader(options: CsvReaderOptions): CsvReader {
  const rows = rowReader(options.delimiter);
  const type = typeOf(options);
  let names: readonly string[] | undefined = options.hasHeader ? undefined : namesWithout(options);
  let columns: readonly Column[] | undefined;
  /** The names can't be read: what stands below them means nothing. */
  let nameless = false;

  const layout = (row: Row): readonly Column[] => {
    const ofRow = row.cells[names!.indexOf('type')];
    columns ??= columnsFor(names!, type ?? options.set.type ?? ofRow, options);
    return columns;
  };

  const read = (row: Row): CsvReading | undefined => {
    const refuse = (fault: string): CsvReading => ({ line: row.line, fault });
    if (nameless) return undefined;
    nameless = !names && row.fault !== undefined;
    if (nameless) return refuse(`${row.fault}: without names of columns the rest is left out`);
    if (row.fault) return refuse(row.fault);
    if (!names) {
      names = row.cells.map((name) => (name ?? '').trim());
      return undefined;
    }
    if (row.cells.length !== names.length) return refuse(`${row.cells.length} cells instead of ${names.length}`);
    return fill(row, layout(row), { ...(type === undefined ? {} : { type }), ...options.set }, options, refuse);
  };

  const all = (found: readonly Row[]): CsvReading[] => found.map(read).filter((one) => one !== undefined);
  return { push: (text) => all(rows.push(text)), end: () => all(rows.end()) };
}

const namesWithout = ({ preset, columns }: CsvOptions): readonly string[] =>
  preset === 'bms-log' ? bmsLogColumns.map(({ name }) => name) : columns;

function columnsFor(names: readonly string[], type: string | undefined, options: CsvOptions): readonly Column[] {
  const settings = { widths: options.widths, time: timeFormats[options.time] };
  const named = namedColumns(names, type, settings, false);
  if (options.preset !== 'bms-log') return named;
  return named.map((column) => bmsLogColumns.find(({ name }) => name === column.name) ?? column);
}

function fill(
  row: Row,
  columns: readonly Column[],
  given: Draft,
  options: CsvOptions,
  refuse: (fault: string) => CsvReading,
): CsvReading {
  // `type` and `time` come first in every record, wherever their columns are.
  const draft: Draft = { type: undefined, time: undefined };
  for (const [index, column] of columns.entries()) {
    const text = row.cells[index];
    if (text === undefined || column.name === '') continue;
    const fault = column.put(draft, unescapeFormula(text, options));
    if (fault) return refuse(`${column.name}: ${fault}: ${JSON.stringify(text.slice(0, 40))}`);
  }
  Object.assign(draft, given);
  dropTornLists(draft);
  if (typeof draft.type !== 'string' || draft.type === '') return refuse('no type: name one with --of');
  if (draft.time === undefined) delete draft.time;
  return { record: draft as VoltRecord };
}
