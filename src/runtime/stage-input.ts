import { notARecord, type VoltRecord } from '../records/record.ts';
import type { Batch, Item } from './batch.ts';
import type { AnyDefinition } from './command.ts';
import type { StageSpec } from './stage.ts';

/** A filter yields what it has just read, or read a moment ago. */
export const lookBack = 8;

/** Item `at` as a record: a line of text from a `json` stage is parsed. Undefined: it is none, and has been rejected. */
export function asRecord(batch: Batch, at: number, spec: StageSpec): VoltRecord | undefined {
  const item = batch.items[at]!;
  const line = batch.lines[at]!;
  if (typeof item === 'string') {
    try {
      batch.items[at] = JSON.parse(item);
      batch.texts[at] ??= item;
    } catch {
      spec.reject('not JSON', line);
      return undefined;
    }
  }
  const record = batch.items[at] as VoltRecord;
  const why = notARecord(record, spec.definition.untyped === true);
  if (why === undefined) return record;
  spec.reject(why, line);
  return undefined;
}

/** Says of a record whether it is of a type that the command does not read: it passes a filter by, and a sink counts it. */
export function foreignTo({ reads }: AnyDefinition): (record: VoltRecord) => boolean {
  if (!reads) return () => false;
  const known = new Set(reads);
  return ({ type }) => type !== undefined && !known.has(type);
}

/** The text of an item that was read at `from` or a little before. */
export function findText(batch: Batch, item: Item, from: number): string | undefined {
  for (let i = Math.min(from, batch.items.length - 1); i >= 0 && i > from - lookBack; i--) {
    if (batch.items[i] === item) return batch.texts[i];
  }
  return undefined;
}
