import type { VoltRecord } from '../../records/record.ts';
import { parseTime } from '../../records/time.ts';
import { elementName, flatten, isSet } from './flatten.ts';
import { keyName, measurementName, stringValue, unescaped } from './names.ts';
import { planTags } from './tags.ts';

/** How records become lines. */
export interface EncoderOptions {
  /** Fields that are written as integers; every other number is a float, so that 12 after 12.5 is no conflict of types. */
  intFields?: readonly string[];
  /** Texts that are written; no other one is. */
  stringFields?: readonly string[];
  /** Keys that become tags beside the identity keys. */
  tags?: readonly string[];
  /** Tags of every line, name → value; a record's own tag of the same name wins. */
  staticTags?: Readonly<Record<string, string>>;
  /** Objects in a record: taken apart (default), or left out. */
  nested?: 'flatten' | 'skip';
  /** Of the time stamps (default ms). */
  precision?: 'ms' | 's';
}

/** Why a record has no line. */
export type Skipped = 'no field' | 'no time' | 'time out of range' | 'no type' | 'tags too long';

/** Makes lines of records. What it says of a record holds until the next. */
export interface Encoder {
  /** The record as a line without its newline; undefined when there is nothing to write, and `skipped` says why. */
  encode(record: VoltRecord): string | undefined;
  readonly skipped: Skipped | undefined;
  /** Measurement and tags of the last line: two lines with the same and the same time are one point. */
  readonly series: string;
  /** Time of the last line in milliseconds since 1970. */
  readonly time: number;
  /** The same as it is written, in units of `precision`. */
  readonly stamp: number;
  /** Values of integer fields that were no integers and were left out, so far. */
  readonly notIntegers: number;
}

interface Field {
  first: string;
  next: string;
  integer: boolean;
  text: boolean;
  /** A key that would be written by the same name: in a record that has both, this one is left out. */
  rival?: string;
}

/** Nanoseconds since 1970 are 64 bits: from 1677 to 2262. */
const latest = 9_223_372_036_854;
/** Longest measurement with tags, in bytes (InfluxDB 1.x). */
const longestSeries = 65_535;
/** Names and values that are remembered; where there are more, they are no names. */
const remembered = 10_000;

/**
 * Makes an encoder of InfluxDB line protocol: the measurement is the record's type, the tags are its identity keys and the static tags
 * in order of their names, everything else is a field, the time is the record's own.
 *
 * What is never written: null, NaN, infinite numbers, texts that are not asked for, empty tags.
 */
export function createEncoder(options: EncoderOptions = {}): Encoder {
  const { nested = 'flatten', precision = 'ms' } = options;
  const integers = new Set(options.intFields);
  const texts = new Set(options.stringFields);
  const plan = planTags(options.tags, options.staticTags);
  const tags = plan.slots.map((slot) => ({ ...slot, values: new Map<unknown, string>() }));
  const isFixed = options.staticTags !== undefined && Object.keys(options.staticTags).length > 0;
  /** Type → measurement with the tags that come first. */
  const measurements = new Map<string, string>();
  /** null: no field. */
  const fields = new Map<string, Field | null>();
  const innerFields = new Map<string, Field | null>();
  /** Fields of a list's elements, so that no name is put together twice. */
  const listFields = new Map<string, Field[]>();
  const notFields = new Set(['type', 'time', ...tags.map(({ key }) => key)]);

  let current: VoltRecord = { type: '' };
  let text = '';
  let skipped: Skipped | undefined;
  let series = '';
  let time = 0;
  let notIntegers = 0;

  const stamp = (): number => (precision === 's' ? Math.floor(time / 1000) : time);

  const remember = <K, V>(map: Map<K, V>, key: K, value: V): V => {
    if (map.size >= remembered) map.clear();
    map.set(key, value);
    return value;
  };

  /** A tag and a field of one name: InfluxDB 3 refuses it, 1.x can't tell them apart in a query. */
  const fieldOf = (key: string): Field | null => {
    const plain = keyName(key);
    if (plain === '') return null;
    const name = plan.names.has(plain) ? `${plain}_` : plain;
    const rival = unescaped(name);
    return {
      first: `${name}=`,
      next: `,${name}=`,
      integer: integers.has(key),
      text: texts.has(key),
      ...(rival === key ? {} : { rival }),
    };
  };

  const learn = (key: string): Field | null => remember(fields, key, notFields.has(key) ? null : fieldOf(key));

  const learnInner = (key: string): Field | null => remember(innerFields, key, fieldOf(key));

  const put = (field: Field, value: unknown): void => {
    if (typeof value === 'number') {
      if (value - value !== 0) return;
      if (field.integer) {
        if (Number.isSafeInteger(value)) text += `${text === '' ? field.first : field.next}${value}i`;
        else notIntegers++;
      } else text += (text === '' ? field.first : field.next) + value;
    } else if (typeof value === 'boolean') text += (text === '' ? field.first : field.next) + value;
    else if (typeof value === 'string' && field.text)
      text += (text === '' ? field.first : field.next) + stringValue(value);
  };

  const putInner = (key: string, value: unknown): void => {
    if (Object.hasOwn(current, key)) return;
    const field = innerFields.get(key) ?? learnInner(key);
    if (field) put(field, value);
  };

  const putList = (key: string, list: readonly unknown[]): void => {
    if (elementName(key, 0) in current) return;
    const known = listFields.get(key) ?? remember(listFields, key, []);
    for (let i = 0; i < list.length; i++) {
      const value = list[i];
      const field = known[i];
      if (field && typeof value !== 'object') put(field, value);
      else if (typeof value === 'object') {
        if (value !== null && nested === 'flatten') flatten(elementName(key, i), value, putInner);
      } else {
        const learnt = learnInner(elementName(key, i));
        // Names in a row only: a list of lists has none.
        if (learnt && known.length === i) known.push(learnt);
        if (learnt) put(learnt, value);
      }
    }
  };

  const putObject = (key: string, value: object): void => {
    if (!Array.isArray(value)) {
      if (nested === 'flatten') flatten(key, value, putInner);
    } else if (isSet(key, value)) putInner(`${key}_count`, value.length);
    else putList(key, value);
  };

  const headOf = (type: string): string => {
    const name = measurementName(String(type ?? ''));
    return remember(measurements, type, name === '' ? '' : name + plan.lead);
  };

  const seriesOf = (record: VoltRecord): string => {
    let head = measurements.get(record.type) ?? headOf(record.type);
    if (head === '') return head;
    for (let i = 0; i < tags.length; i++) {
      const { key, values } = tags[i]!;
      const value = record[key];
      if (value === undefined || value === null || typeof value === 'object') {
        if (isFixed) head += tags[i]!.absent;
        continue;
      }
      head += values.get(value) ?? remember(values, value, tags[i]!.written(String(value)));
    }
    return head;
  };

  const isTooLong = (head: string): boolean =>
    head.length * 3 > longestSeries && new TextEncoder().encode(head).length > longestSeries;

  const skip = (why: Skipped): undefined => {
    skipped = why;
  };

  return {
    get skipped() {
      return skipped;
    },
    get series() {
      return series;
    },
    get time() {
      return time;
    },
    get stamp() {
      return stamp();
    },
    get notIntegers() {
      return notIntegers;
    },
    encode(record) {
      skipped = undefined;
      time = parseTime(record.time);
      if (Number.isNaN(time)) return skip('no time');
      if (time > latest || time < -latest) return skip('time out of range');
      series = seriesOf(record);
      if (series === '') return skip('no type');
      if (isTooLong(series)) return skip('tags too long');
      text = '';
      current = record;
      for (const key in record) {
        const known = fields.get(key);
        const field = known === undefined ? learn(key) : known;
        if (field === null || (field.rival !== undefined && field.rival in record)) continue;
        const value = record[key];
        if (typeof value !== 'object') put(field, value);
        else if (value !== null) putObject(key, value);
      }
      if (text === '') return skip('no field');
      return `${series} ${text} ${stamp()}`;
    },
  };
}
