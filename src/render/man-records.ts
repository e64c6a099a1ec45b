import type { RecordFamily, RecordKey } from '../records/family.ts';
import type { DescribedCommand, Toolkit } from './described.ts';
import { codes, seeAlso, sentence } from './man.ts';
import { type Page, page } from './roff.ts';

/** The vocabulary as records/ holds it. */
export interface Vocabulary {
  families: readonly RecordFamily[];
  commonKeys: readonly RecordKey[];
}

/** voltpipe-records(5): every record family with its keys, units and the commands that write and read it. */
export function recordsPage({ families, commonKeys }: Vocabulary, toolkit: Toolkit): string {
  const out = page({ name: 'voltpipe-records', section: 5, date: toolkit.date, version: toolkit.version });
  out.section('Name');
  out.paragraph('voltpipe-records - the records that voltpipe commands read and write');
  out.section('Description');
  out.paragraph(
    'A record is one flat JSON object on one line of UTF-8 text. Its `type` names the family, its `time` says when the values were measured. A key whose value is not known is absent: it is never null, never 0 and never made up. Numbers are finite.',
  );
  out.paragraph(
    'Keys marked *tag* say what the record is about; in a time series they are the tags of a point, every other key is a field, and `type` is the name of the measurement. Further keys may come without notice; a change that breaks a reader makes a new type. A filter passes on records of types that it does not know, a sink ignores them.',
  );
  out.section('Keys of every record');
  for (const key of commonKeys) keyEntry(out, key);
  out.section('Record types');
  for (const family of families) {
    out.subsection(family.type);
    out.paragraph(sentence(family.summary) + (family.timeless ? ' Its `time` may be absent.' : ''));
    const users = usedBy(family.type, toolkit.commands);
    if (users) out.paragraph(users);
    for (const key of family.keys) keyEntry(out, key);
  }
  seeAlso(out, ['voltpipe(7)', 'voltpipe-config(5)']);
  return out.toString();
}

function usedBy(type: string, commands: readonly DescribedCommand[]): string {
  const names = (list: 'reads' | 'writes'): string[] =>
    commands.filter(({ definition }) => definition[list]?.includes(type)).map(({ definition }) => definition.name);
  const [writers, readers] = [names('writes'), names('reads')];
  if (writers.length + readers.length === 0) return 'Reserved: no command of this version writes or reads it.';
  return [
    writers.length > 0 ? `Written by ${codes(writers)}.` : '',
    readers.length > 0 ? `Read by ${codes(readers)}.` : '',
  ]
    .filter((text) => text !== '')
    .join(' ');
}

function keyEntry(out: Page, { name, kind, unit, summary, tag, required, min, max, values }: RecordKey): void {
  const facts = [kind, ...(unit ? [unit] : []), ...(tag ? ['tag'] : []), ...(required ? ['always there'] : [])];
  const parts = [sentence(summary)];
  if (min !== undefined && max !== undefined) parts.push(`From ${min} to ${max}.`);
  else if (min !== undefined) parts.push(`At least ${min}.`);
  else if (max !== undefined) parts.push(`At most ${max}.`);
  if (values) parts.push(`One of ${codes(values)}.`);
  out.entry(`\`${name}\` (${facts.join(', ')})`, parts.join(' '));
}
