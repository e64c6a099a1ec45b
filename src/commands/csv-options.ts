import { bmsLogWidths } from '../filters/csv/bms-log.ts';
import type { timeFormats } from '../filters/csv/time.ts';
import type { CsvOptions } from '../filters/csv/writer.ts';
import { fail } from '../runtime/exit.ts';
import type { Options, Values } from '../runtime/options.ts';

const cellsAtMost = 512;

/** The options that say what a table looks like, for every command that makes one. */
export const csvTableOptions = {
  columns: {
    type: 'list',
    value: 'NAME,…',
    summary: 'these columns alone, in this order; cells stands for all of its elements',
  },
  preset: {
    type: 'choice',
    choices: ['bms-log'],
    summary: 'a layout that others have fixed: bms-log is BMSLogEntry, of battery_reading',
  },
  cells: { type: 'integer', min: 0, max: cellsAtMost, default: 16, summary: 'columns for the voltages of cells' },
  temperatures: { type: 'integer', min: 0, max: cellsAtMost, default: 4, summary: 'columns for temperatures' },
  timeFormat: {
    type: 'choice',
    choices: ['rfc3339', 'sql', 'unix', 'unix-ms'],
    default: 'rfc3339',
    summary: 'form of the time column; sql is 2026-03-01 12:00:00.000 in UTC, which spreadsheets read',
  },
  delimiter: { type: 'string', default: ',', summary: 'character between two cells; tab for a tabulator' },
  escapeFormulas: {
    type: 'flag',
    summary: "put a ' before text that a spreadsheet would take for a formula",
  },
} as const satisfies Options;

/** Checks what no single option can. */
export function checkCsvOptions({ delimiter, preset, columns }: Record<string, unknown>): void {
  if (delimiter !== 'tab' && !/^[^"\r\n]$/.test(String(delimiter))) {
    throw fail('usage', `--delimiter ${JSON.stringify(delimiter)}: expected one character that is no quote, or tab`);
  }
  if (preset !== undefined && (columns as readonly string[]).length > 0) {
    throw fail('usage', `--preset ${preset} has its columns: it can't be given with --columns`);
  }
}

/** What the filter takes, of what the command line said. */
export function csvOptionsOf(opts: Values<typeof csvTableOptions>, type: string | undefined): CsvOptions {
  const { columns, preset, cells, temperatures, timeFormat, delimiter, escapeFormulas } = opts;
  return {
    type,
    columns,
    preset,
    widths: preset === 'bms-log' ? bmsLogWidths : { cells, temperatures },
    time: timeFormat satisfies keyof typeof timeFormats,
    delimiter: delimiter === 'tab' ? '\t' : delimiter,
    escapeFormulas,
  };
}
