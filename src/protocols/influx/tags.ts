import { identityKeys } from '../../records/record.ts';
import { keyName, tagValue } from './names.ts';

/** A key of records that becomes a tag, with the static tags that stand in a line before the next such key, encoded once. */
export interface TagSlot {
  key: string;
  /** What a line has for a value; an empty one is none. */
  written(value: string): string;
  /** What a line has for a record without the key. */
  absent: string;
}

/** All that stands between a measurement and its fields, in order of the names. */
export interface TagPlan {
  /** Static tags before the first slot. */
  lead: string;
  slots: readonly TagSlot[];
  /** Names of all tags as they are written. */
  names: ReadonlySet<string>;
}

const tag = (name: string, value = ''): string => {
  const escaped = tagValue(value);
  return escaped === '' ? '' : `,${name}=${escaped}`;
};

/**
 * Lays out the tags of all lines. A static tag whose name is also that of a key is written only where the record has no value of its own.
 *
 * @param further keys that become tags beside the identity keys
 * @param fixed static tags, name → value
 */
export function planTags(further: readonly string[] = [], fixed: Readonly<Record<string, string>> = {}): TagPlan {
  const keys = new Map<string, string>();
  for (const key of [...identityKeys, ...further]) {
    const name = keyName(key);
    if (name !== '' && !keys.has(name)) keys.set(name, key);
  }
  const values = new Map(Object.entries(fixed).map(([name, value]) => [keyName(name), value]));
  const names = [...new Set([...keys.keys(), ...values.keys()])].filter((name) => name !== '').sort();

  const slots: TagSlot[] = [];
  let follows = '';
  for (const name of names.toReversed()) {
    const key = keys.get(name);
    const otherwise = tag(name, values.get(name));
    if (key === undefined) {
      follows = otherwise + follows;
      continue;
    }
    const after = follows;
    const absent = otherwise + after;
    slots.unshift({ key, absent, written: (value) => (tagValue(value) === '' ? absent : tag(name, value) + after) });
    follows = '';
  }
  return { lead: follows, slots, names: new Set(names) };
}
