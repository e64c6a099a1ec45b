import { lossesOf } from '../../filters/csv/losses.ts';
import { type CsvOptions, csvWriter } from '../../filters/csv/writer.ts';
import type { VoltRecord } from '../../records/record.ts';

/** What the far side gets of a record. */
export interface Payload {
  readonly name: 'json' | 'csv';
  /** The text of a record; undefined: nothing goes of it. */
  of(record: VoltRecord): string | undefined;
  /** What goes before the first one of a connection, a file or a request. */
  head(): string | undefined;
}

/** The record as it came in, byte for byte. */
export const jsonPayload = (text: (record: VoltRecord) => string): Payload => ({
  name: 'json',
  of: text,
  head: () => undefined,
});

/**
 * A line of CSV; records of other types than the table's have none.
 *
 * @param onLoss told what a line lacks of its record, and the option that mends it
 */
export function csvPayload(
  options: CsvOptions,
  withHeader: boolean,
  onLoss: (message: string, option: string) => void,
): Payload {
  const csv = csvWriter(options);
  return {
    name: 'csv',
    of(record) {
      const line = csv.line(record);
      if (line === undefined) return undefined;
      for (const { message, option } of lossesOf(csv, record)) onLoss(message, option);
      return line;
    },
    head: () => (withHeader ? csv.header() : undefined),
  };
}
