import { createReadStream } from 'node:fs';
import { lossesOf } from '../filters/csv/losses.ts';
import { type CsvReading, csvReader } from '../filters/csv/reader.ts';
import { csvWriter } from '../filters/csv/writer.ts';
import type { VoltRecord } from '../records/record.ts';
import { defineCommand } from '../runtime/command.ts';
import type { Context } from '../runtime/context.ts';
import { counted } from '../runtime/counted.ts';
import { CommandError, fail } from '../runtime/exit.ts';
import type { Options, Values } from '../runtime/options.ts';
import { cannotRead } from '../runtime/text-file.ts';
import { checkCsvOptions, csvOptionsOf, csvTableOptions } from './csv-options.ts';

const options = {
  of: { type: 'string', value: 'TYPE', summary: 'record type of the table; the first record decides unless said' },
  ...csvTableOptions,
  header: { type: 'flag', default: true, summary: 'write, or expect, a first line with the names of the columns' },
  crlf: { type: 'flag', summary: 'end lines with CR and LF, as RFC 4180 has it' },
  from: {
    type: 'file',
    value: 'FILE',
    summary: 'the way back: read CSV from this file, or - for stdin, and write records',
  },
  set: {
    type: 'string',
    repeatable: true,
    value: 'KEY=TEXT',
    summary: 'with --from: a key that the table lacks, as device_id=pack1',
  },
} as const satisfies Options;

type Ctx = Context<typeof options>;

const example =
  '{"type":"battery_reading","time":"2026-03-01T12:00:00.000Z","device_id":"serial-pack1","voltage":13.2,"current":-4.1,"state_of_charge":83,"temperatures":[21.5,20.9],"cells":[3.301,3.299,3.302,3.298],"balancing":[1,3],"alarm_flags":0}\n';

/** Records to a table, and back. */
export const command = defineCommand({
  name: 'to-csv',
  kind: 'filter',
  input: 'required',
  inputOption: 'from',
  format: 'text',
  summary: 'turns records into a CSV table with a fixed header, and such a table into records',
  description: `Reads records of one type and writes one line of comma-separated values each, for spreadsheets and for whatever else has no JSON. The header holds every key that the type has in voltpipe-records(5), time first, whether the records at hand have it or not: two files of two days have the same columns (a later version of voltpipe may know further keys; --columns holds a table to what it has). A key that is absent is an empty cell.

A list of measurements has a column for each place: cells becomes cell_1 to cell_16, or as many as --cells says. Other lists are one cell, their elements separated by semicolons; objects are JSON.

Records of other types are left out, and counted in one message at the end. A type that the vocabulary lacks has the keys of its first record, or those of --columns.

What the table holds, --from reads back: the same records come out, as long as the columns were wide enough, the time was written with its milliseconds, and no list of measurements was empty. A key that the vocabulary lacks has no column unless --columns names it; that is said.`,
  options,
  sections: [
    {
      title: 'QUOTING',
      text: `Cells with a delimiter, a quote, a line break or white space at an end are quoted after RFC 4180; "" is a text that is empty, nothing at all is unknown. Lines end with a line feed alone, as everything else in a pipe does, unless --crlf is given.

The names of Bluetooth devices come over the air. Before a table with such names is opened in a spreadsheet, --escape-formulas takes the sting out of a name such as =HYPERLINK(…); with --from it is taken off again.`,
    },
    {
      title: 'BMS LOG',
      text: `--preset bms-log writes the layout of the ESP32 monitor's log, for battery_reading:

- timestamp: seconds since 1970
- packVoltage, packCurrent, packSOC, power: V, A (+ charging), %, W
- temperatures_1 to temperatures_16: °C
- cellVoltages_1 to cellVoltages_48: V
- balanceState: 32 bits, the lowest for cell 1
- alarmFlags: 16 bits, as the device sent them

What a column can't hold, as a balanced cell 33, is left empty. The layout names no device: with --from add it, --set device_id=pack1.`,
    },
    {
      title: 'READING',
      text: `With --from a column that the vocabulary knows is read as what it is there, any other one as JSON if it is such, else as text. A row with too few or too many cells, or with a number that is none, is said with its line, skipped, and makes the exit status 65, and so is one that is not UTF-8; with --strict it ends the command. A list with a cell missing in its midst is left out whole.

Without a header (--no-header) the columns are those of --columns or of --preset. The record type is that of the column type, of --of or of the preset.`,
    },
  ],
  examples: [
    {
      text: 'Readings in a spreadsheet',
      command: 'to-csv --columns time,voltage,current,state_of_charge,cells --cells 4 --time-format sql',
      stdin: example,
      stdout:
        'time,voltage,current,state_of_charge,cell_1,cell_2,cell_3,cell_4\n2026-03-01 12:00:00.000,13.2,-4.1,83,3.301,3.299,3.302,3.298\n',
    },
    {
      text: 'The log of the ESP32 monitor',
      command: 'to-csv --preset bms-log | cut -d, -f1-6,22-25,70-',
      stdin: example,
      stdout:
        'timestamp,packVoltage,packCurrent,packSOC,power,temperatures_1,cellVoltages_1,cellVoltages_2,cellVoltages_3,cellVoltages_4,balanceState,alarmFlags\n1772366400,13.2,-4.1,83,,21.5,3.301,3.299,3.302,3.298,5,0\n',
    },
    {
      text: 'And back',
      command: 'to-csv --of battery_reading --from -',
      stdin: 'time,device_id,voltage,cell_1,cell_2\n2026-03-01T12:00:00Z,serial-pack1,6.6,3.301,3.299\n',
      stdout:
        '{"type":"battery_reading","time":"2026-03-01T12:00:00.000Z","device_id":"serial-pack1","voltage":6.6,"cells":[3.301,3.299]}\n',
    },
    {
      text: 'A table of one day for German spreadsheets',
      command: "to-csv --delimiter ';' --crlf --escape-formulas > today.csv",
      stdin: example,
    },
  ],
  seeAlso: ['send(1)', 'voltpipe-records(5)'],
  check(opts) {
    checkCsvOptions(opts);
    const { from, set, header, columns, preset } = opts as unknown as Values<typeof options>;
    for (const pair of set) {
      if (!/^[^=]+=/.test(pair)) throw fail('usage', `--set ${pair}: expected KEY=TEXT`);
    }
    if (set.length > 0 && from === undefined) throw fail('usage', '--set goes with --from');
    if (from !== undefined && !header && preset === undefined && columns.length === 0) {
      throw fail('usage', '--from with --no-header needs the names of the columns', 'Give them with --columns.');
    }
  },
  async *run(ctx) {
    if (ctx.opts.from === undefined) yield* write(ctx);
    else yield* read(ctx, ctx.opts.from);
  },
});

async function* write(ctx: Ctx): AsyncGenerator<string> {
  const { opts, log } = ctx;
  const csv = csvWriter(csvOptionsOf(opts, opts.of));
  const end = opts.crlf ? '\r' : '';
  let headed = !opts.header;
  let foreign = 0;
  const head = function* (): Generator<string> {
    const header = headed ? undefined : csv.header();
    if (header === undefined) return;
    headed = true;
    yield header + end;
  };
  yield* head();
  for await (const record of ctx.input) {
    const line = csv.line(record);
    if (line === undefined) {
      foreign++;
      continue;
    }
    yield* head();
    for (const { message, option } of lossesOf(csv, record)) {
      log.lost(message, message, opts.preset === undefined ? { hint: option } : {});
    }
    yield line + end;
  }
  if (foreign > 0) log.warn(`${counted(foreign, 'record')} of other types left out`);
}

async function* read(ctx: Ctx, file: string): AsyncGenerator<VoltRecord> {
  const { opts } = ctx;
  const set = Object.fromEntries(
    opts.set.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
  const reader = csvReader({ ...csvOptionsOf(opts, opts.of), hasHeader: opts.header, set });
  const records = function* (readings: readonly CsvReading[]): Generator<VoltRecord> {
    for (const { record, line, fault } of readings as readonly (CsvReading & { line?: number })[]) {
      if (record) yield record;
      else ctx.reject(fault!, line);
    }
  };
  const input = createReadStream(file, {
    encoding: 'utf8',
    signal: ctx.signal,
    ...(file === '-' ? { fd: 0, autoClose: false } : {}),
  });
  try {
    for await (const text of input) yield* records(reader.push(text as string));
  } catch (error) {
    if (ctx.signal.aborted) return;
    if (error instanceof CommandError) throw error;
    throw fail('io', cannotRead(file, error));
  }
  yield* records(reader.end());
}
