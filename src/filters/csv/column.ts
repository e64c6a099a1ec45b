import type { RecordKey } from '../../records/family.ts';
import type { VoltRecord } from '../../records/record.ts';
import type { Cell } from './dialect.ts';
import type { TimeFormat } from './time.ts';

/** A record that is being put together from cells. */
export type Draft = Record<string, unknown>;

/** One column: how it is called, what it shows of a record, and what it puts into one on the way back. */
export interface Column {
  name: string;
  get(record: VoltRecord): Cell;
  /** Takes a cell's text. Returns what is wrong with it, a phrase, or undefined. */
  put(draft: Draft, text: string): string | undefined;
}

const number = (text: string): number | undefined => {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : undefined;
};

const booleans: Readonly<Record<string, boolean>> = { true: true, false: false, '1': true, '0': false };

/** A number, a word, or brackets of one kind around it: all else is no JSON. */
const mayBeJson = /^[\t\n\r ]*(?:-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|".*"|\[.*\]|\{.*\})[\t\n\r ]*$/s;

/** A JSON value that a text might be taken for. */
function asJson(text: string): unknown {
  // V8 keeps each text that it could not parse, and a stack with it: ordinary text must not get there.
  if (!mayBeJson.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Any value in one cell: text as it is unless it would be read back as something else; everything else as JSON. */
const showAny = (value: unknown): Cell => {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return asJson(value) === undefined ? value : JSON.stringify(value);
  return typeof value === 'object' ? JSON.stringify(value) : (value as Cell);
};

const readAny = (text: string): unknown => asJson(text) ?? text;

/** Elements that a list can be taken apart into again. */
const isPlain = (element: unknown): boolean =>
  typeof element === 'number' ||
  (typeof element === 'string' && element !== '' && !/^[[\s]|;|\s$/.test(element) && number(element) === undefined);

/** A list in one cell: its elements with `;` between them, as JSON where that would not be unambiguous. */
const showList = (value: unknown): Cell => {
  if (!Array.isArray(value)) return showAny(value);
  return value.length > 0 && value.every(isPlain) ? value.join(';') : JSON.stringify(value);
};

const readList = (text: string): unknown =>
  text.startsWith('[') ? asJson(text) : text.split(';').map((element) => number(element) ?? element);

type Reading = { value: unknown } | { fault: string };

const readers: Record<RecordKey['kind'], (text: string) => Reading> = {
  string: (value) => ({ value }),
  number: (text) => either(number(text), 'no number'),
  integer: (text) => {
    const value = number(text);
    return either(Number.isInteger(value) ? value : undefined, 'no whole number');
  },
  boolean: (text) => either(booleans[text.toLowerCase()], 'neither true nor false'),
  object: (text) => {
    const value = asJson(text);
    return either(typeof value === 'object' && value !== null ? value : undefined, 'no JSON object');
  },
  array: (text) => {
    const value = readList(text);
    return either(Array.isArray(value) ? value : undefined, 'no list');
  },
  any: (text) => ({ value: readAny(text) }),
};

const either = (value: unknown, fault: string): Reading => (value === undefined ? { fault } : { value });

/** A column of one key. */
export function keyColumn(name: string, kind: RecordKey['kind']): Column {
  const show = kind === 'array' ? showList : kind === 'string' ? showText : showAny;
  return {
    name,
    get: (record) => show(record[name]),
    put(draft, text) {
      const reading = readers[kind](text);
      if ('fault' in reading) return reading.fault;
      draft[name] = reading.value;
      return undefined;
    },
  };
}

const showText = (value: unknown): Cell => (typeof value === 'string' ? value : showAny(value));

/** The `time` of a record. */
export function timeColumn(name: string, format: TimeFormat): Column {
  return {
    name,
    get: ({ time }) => (typeof time === 'string' ? format.show(time) : undefined),
    put(draft, text) {
      const time = format.read(text);
      if (time === undefined) return `no time of the form ${format.name}`;
      draft.time = time;
      return undefined;
    },
  };
}

/** One element of a list whose places mean something, as the voltage of each cell. */
export function elementColumn(name: string, key: string, index: number): Column {
  return {
    name,
    get(record) {
      const list = record[key];
      const element: unknown = Array.isArray(list) ? list[index] : undefined;
      return typeof element === 'number' ? element : undefined;
    },
    put(draft, text) {
      const value = number(text);
      if (value === undefined) return 'no number';
      draft[key] ??= [];
      (draft[key] as unknown[])[index] = value;
      return undefined;
    },
  };
}

/** A list from which an element is missing is left out whole: closed up, every later place would be wrong. */
export function dropTornLists(draft: Draft): void {
  for (const [key, value] of Object.entries(draft)) {
    if (Array.isArray(value) && value.includes(undefined)) delete draft[key];
  }
}
