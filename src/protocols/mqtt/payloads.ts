import { isJsonObject } from '../../records/json.ts';
import { identityKeys, type VoltRecord } from '../../records/record.ts';

/** A payload as `mqtt_message` has it: JSON objects and arrays as such, other text as text, what is no text as base64. */
export interface RecordPayload {
  payload: unknown;
  encoding?: 'base64';
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text of a payload; undefined when it is not UTF-8. */
export function textOf(payload: Buffer): string | undefined {
  try {
    return decoder.decode(payload);
  } catch {
    return undefined;
  }
}

const startsAsJson = /^\s*[{[]/;

/** A payload from the wire as a record has it. A number stays text, so that it goes on as it came: `1.0`, `12345678901234567890`. */
export function toRecordPayload(bytes: Buffer): RecordPayload {
  const text = textOf(bytes);
  if (text === undefined) return { payload: bytes.toString('base64'), encoding: 'base64' };
  if (!startsAsJson.test(text)) return { payload: text };
  try {
    return { payload: JSON.parse(text) as unknown };
  } catch {
    return { payload: text };
  }
}

/** The bytes of a base64 text, or undefined when it is none. */
function fromBase64(text: unknown): Buffer | undefined {
  if (typeof text !== 'string') return undefined;
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64').replace(/=+$/, '') === text.replace(/=+$/, '') ? bytes : undefined;
}

/** The payload of an `mqtt_message` as it goes on the wire, or what is wrong with it. */
export function toWirePayload({ payload, encoding }: VoltRecord): { bytes: string | Buffer } | { fault: string } {
  if (encoding !== undefined && encoding !== 'base64') return { fault: `encoding ${JSON.stringify(encoding)}` };
  if (encoding === 'base64') {
    const bytes = fromBase64(payload);
    return bytes ? { bytes } : { fault: 'a payload that is not base64' };
  }
  if (payload === undefined || payload === null) return { fault: 'no payload' };
  return { bytes: typeof payload === 'string' ? payload : JSON.stringify(payload) };
}

const notSplit: ReadonlySet<string> = new Set(['type', ...identityKeys]);

/** The values of a record one by one, as text: `[key, '12.5']`. Its type and identity are in the topic. */
export function splitValues(record: VoltRecord): [key: string, text: string][] {
  return Object.entries(record)
    .filter(([key, value]) => !notSplit.has(key) && value !== undefined && value !== null)
    .map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)]);
}

/** A payload that is a JSON object; otherwise why it is none. */
export function unwrap(bytes: Buffer): { record: VoltRecord } | { fault: string } {
  const text = textOf(bytes);
  if (text === undefined) return { fault: 'not UTF-8' };
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? { record: value as VoltRecord } : { fault: 'JSON, but not an object' };
  } catch {
    return { fault: text.trim() === '' ? 'empty' : 'not JSON' };
  }
}
