import type { VoltRecord } from '../../records/record.ts';
import type { CsvWriter } from './writer.ts';

/** Something of a record that its line does not hold. */
export interface CsvLoss {
  message: string;
  /** The option that makes room, of a layout that is not fixed. */
  option: string;
}

const nothing: readonly CsvLoss[] = [];

/** What a record's line lacks: elements beyond the columns of a list, and, once each, keys that have no column. */
export function lossesOf(csv: CsvWriter, record: VoltRecord): readonly CsvLoss[] {
  const wide = csv.tooWide(record);
  const strange = csv.strangeKeys(record);
  if (wide === undefined && strange.length === 0) return nothing;
  return [
    ...(wide === undefined
      ? []
      : [{ message: `a record has more ${wide} than the table: those beyond are left out`, option: `--${wide}` }]),
    ...strange.map((key) => ({ message: `the table has no column for ${JSON.stringify(key)}`, option: '--columns' })),
  ];
}
