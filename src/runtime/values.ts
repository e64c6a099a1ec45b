import type { OptionSpec } from './options.ts';

/** A value that could not be understood; the message says what was expected. */
export class ValueError extends Error {}

const durationUnits: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const sizeUnits: Record<string, number> = {
  '': 1,
  b: 1,
  k: 1024,
  kib: 1024,
  m: 1024 ** 2,
  mib: 1024 ** 2,
  g: 1024 ** 3,
  gib: 1024 ** 3,
};

/** `500ms`, `10s`, `5m`, `1h`, `7d`; a bare number is seconds. Returns milliseconds. */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?$/i.exec(text.trim());
  if (!match) throw new ValueError('expected a duration such as 500ms, 10s, 5m or 1h');
  return Math.round(Number(match[1]) * (durationUnits[(match[2] ?? 's').toLowerCase()] ?? 1));
}

/** `1024`, `64MiB`, `1g`. Returns bytes. */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim());
  const unit = sizeUnits[(match?.[2] ?? '').toLowerCase()];
  if (!match || unit === undefined) throw new ValueError('expected a size such as 65536, 64KiB or 64MiB');
  return Math.round(Number(match[1]) * unit);
}

function parseNumber(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) throw new ValueError('expected a number');
  return value;
}

function parseInteger(text: string): number {
  const value = parseNumber(text);
  if (!Number.isSafeInteger(value)) throw new ValueError('expected a whole number');
  return value;
}

function parseFlag(text: string): boolean {
  if (/^(true|yes|on|1)$/i.test(text)) return true;
  if (/^(false|no|off|0)$/i.test(text)) return false;
  throw new ValueError('expected true or false');
}

function parseUrl(text: string): string {
  if (!text.includes('://') || !URL.canParse(text))
    throw new ValueError('expected a URL such as https://host/path or mqtt://host');
  return text;
}

function parseMap(text: string): Record<string, string> {
  const pairs = text.split(',').map((pair) => /^([^=]+)=(.*)$/.exec(pair));
  if (pairs.includes(null)) throw new ValueError('expected key=value,key=value');
  return Object.fromEntries(pairs.map((pair) => [pair![1]!.trim(), pair![2]!.trim()]));
}

function parseChoice(text: string, spec: OptionSpec): string {
  const choice = spec.choices?.find((candidate) => candidate.toLowerCase() === text.trim().toLowerCase());
  if (choice === undefined) throw new ValueError(`expected one of ${spec.choices?.join(', ')}`);
  return choice;
}

const parsers: Record<OptionSpec['type'], (text: string, spec: OptionSpec) => unknown> = {
  flag: parseFlag,
  string: (text) => text,
  number: parseNumber,
  integer: parseInteger,
  duration: parseDuration,
  size: parseSize,
  choice: parseChoice,
  url: parseUrl,
  file: (text) => text,
  list: (text) =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  secret: (text) => text,
  map: parseMap,
  object: (text) => text,
};

function inRange(value: unknown, spec: OptionSpec): void {
  if (typeof value !== 'number') return;
  const show = (limit: number): string => (spec.type === 'duration' ? `${limit / 1000}s` : String(limit));
  if (spec.min !== undefined && value < spec.min) throw new ValueError(`must be at least ${show(spec.min)}`);
  if (spec.max !== undefined && value > spec.max) throw new ValueError(`must be at most ${show(spec.max)}`);
}

/**
 * The value of an option from text (a flag, the environment) or from a parsed configuration file. Throws a {@link ValueError}
 * that says what was expected.
 */
export function parseValue(raw: unknown, spec: OptionSpec): unknown {
  if (spec.type === 'object') return raw;
  if (spec.type === 'map' && typeof raw === 'object' && raw !== null && !Array.isArray(raw)) {
    const entries = Object.entries(raw);
    if (entries.some(([, value]) => typeof value !== 'string')) throw new ValueError('expected text for each key');
    return raw;
  }
  if (Array.isArray(raw)) {
    if (spec.type === 'map') throw new ValueError('expected text for each key, not a list');
    if (spec.type !== 'list' && !spec.repeatable) throw new ValueError('expected one value, not a list');
    return raw.flatMap((item) => parseValue(item, spec) as unknown[]);
  }
  if (spec.type === 'flag' && typeof raw === 'boolean') return raw;
  if (typeof raw === 'object' || raw === undefined) throw new ValueError('expected a single value');
  const value = parsers[spec.type](String(raw), spec);
  inRange(value, spec);
  return spec.repeatable && spec.type !== 'list' ? [value] : value;
}
