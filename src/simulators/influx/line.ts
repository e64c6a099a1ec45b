/** A field's value; an integer is told from a float by its type. */
export interface FieldValue {
  type: 'float' | 'integer' | 'boolean' | 'string';
  value: number | boolean | string;
}

/** A point, as a server reads it from a line. */
export interface Point {
  measurement: string;
  tags: Readonly<Record<string, string>>;
  fields: Readonly<Record<string, FieldValue>>;
  /** As in the line; undefined: the server's own time. */
  timestamp?: number;
}

/** A line that is no point; the message is InfluxDB's. */
export class LineError extends Error {}

/**
 * Splits at a character that no backslash stands before and, where `quotes` count, that is in no text. A text begins after `=`; a
 * quote anywhere else is a letter. Outside of texts two backslashes are two, and the second still escapes what follows, as 1.6.7
 * has it.
 */
function split(text: string, at: string, quotes: boolean, most = Number.POSITIVE_INFINITY): string[] {
  const parts: string[] = [];
  let start = 0;
  let quoted = false;
  for (let i = 0; i < text.length && parts.length + 1 < most; i++) {
    if (quoted) {
      if (text[i] === '\\') i++;
      else if (text[i] === '"') quoted = false;
    } else if (text[i - 1] !== '\\') {
      if (quotes && text[i] === '"' && text[i - 1] === '=' && text[i - 2] !== '\\') quoted = true;
      else if (text[i] === at) {
        parts.push(text.slice(start, i));
        start = i + 1;
      }
    }
  }
  if (quoted) throw new LineError('unbalanced quotes');
  parts.push(text.slice(start));
  return parts;
}

const plain = (text: string): string => text.replace(/\\([,= ])/g, '$1');

function pair(text: string, missing: string): [string, string] {
  const [key = '', ...rest] = split(text, '=', missing === 'field');
  if (key === '') throw new LineError(`missing ${missing} key`);
  if (rest.length === 0 || rest.join('=') === '') throw new LineError(`missing ${missing} value`);
  return [plain(key), rest.join('=')];
}

function fieldValue(text: string): FieldValue {
  if (/^"(?:[^"\\]|\\.)*"$/s.test(text)) {
    return { type: 'string', value: text.slice(1, -1).replace(/\\(["\\])/g, '$1') };
  }
  if (/^(?:t|T|true|True|TRUE|f|F|false|False|FALSE)$/.test(text)) {
    return { type: 'boolean', value: /^t/i.test(text) };
  }
  if (/^[-+]?\d+i$/.test(text)) return { type: 'integer', value: Number(text.slice(0, -1)) };
  if (/^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/.test(text)) return { type: 'float', value: Number(text) };
  throw new LineError(/^[-+\d.]/.test(text) || /^nan$/i.test(text) ? 'invalid number' : 'invalid boolean');
}

/** Reads one line. @throws LineError */
export function parseLine(line: string): Point {
  const [head = '', rest = ''] = split(line, ' ', false, 2);
  const [fieldSet = '', time, more] = split(rest, ' ', true);
  if (fieldSet === '') throw new LineError('missing fields');
  if (more !== undefined) throw new LineError('invalid field format');
  if (time !== undefined && !/^-?\d+$/.test(time)) throw new LineError('bad timestamp');
  const [name = '', ...tagSet] = split(head, ',', false);
  if (name === '') throw new LineError('missing measurement');
  const tags = tagSet.map((text) => pair(text, 'tag')).map(([key, value]) => [key, plain(value)] as const);
  if (new Set(tags.map(([key]) => key)).size < tags.length) throw new LineError('duplicate tags');
  const fields = split(fieldSet, ',', true).map((text) => pair(text, 'field'));
  return {
    measurement: name.replace(/\\([, ])/g, '$1'),
    tags: Object.fromEntries(tags),
    fields: Object.fromEntries(fields.map(([key, value]) => [key, fieldValue(value)])),
    ...(time === undefined ? {} : { timestamp: Number(time) }),
  };
}
