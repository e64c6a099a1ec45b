/** An HTTP answer as it came. */
export interface RawAnswer {
  status: number;
  headers: Readonly<Record<string, string>>;
  text: string;
}

/**
 * What an answer means for what was sent.
 *
 * - `ok`: taken
 * - `rejected`: not taken, and the same again would not be either
 * - `refused`: key or token is not accepted
 * - `later`: not taken now; the same may be taken later
 */
type Verdict = 'ok' | 'rejected' | 'refused' | 'later';

/** An answer understood. */
export interface AbrpAnswer {
  verdict: Verdict;
  /** HTTP status; absent when no answer came. */
  status?: number;
  /** What ABRP said, when it said more than ok: one line, at most 200 characters. */
  message?: string;
  /** Recommended fields that ABRP misses, sorted, without repetition. */
  missing?: readonly string[];
  /** Milliseconds that ABRP asks to wait. */
  retryAfter?: number;
  /** The `result` of a question. */
  result?: unknown;
}

/** One line of foreign text, of what is between the tags where it is HTML. */
function oneLine(text: string): string {
  const plain = text
    .replace(/<(head|style|script)[^>]*>.*?<\/\1>/gis, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return plain.length > 200 ? `${plain.slice(0, 199)}…` : plain;
}

/** `errors` comes as text, list or object. */
const wordsOf = (value: unknown): string => oneLine(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));

/** `"Missing telemetry: power, "`, or a list: the names alone. */
function missingOf(value: unknown): readonly string[] {
  const names = Array.isArray(value) ? value.map(String) : typeof value === 'string' ? value.split(/[,;]/) : [];
  const plain = names.map((name) => oneLine(name.replace(/^.*:/s, ''))).filter((name) => name !== '');
  return [...new Set(plain)].sort();
}

function jsonObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Seconds alone: the form with a date would need a clock, and ABRP documents neither. */
function retryAfterOf(headers: RawAnswer['headers']): number | undefined {
  const value = headers['retry-after'];
  return value !== undefined && /^\d{1,6}$/.test(value) ? Number(value) * 1000 : undefined;
}

const aboutAccess = /unauthori[sz]ed|not authori[sz]ed|invalid (token|api.?key)|unknown (token|api.?key)/i;

/** Of the client errors, those that say nothing against the point: wrong address, too slow, too often. */
const laterStatus = new Set([404, 405, 408, 425, 429]);

/**
 * Reads ABRP's answer. Success is HTTP 200 and JSON and `status` ok: an error of the application comes with HTTP 200 too, and one
 * of the gateway as text or HTML.
 */
export function parseAnswer({ status, headers, text }: RawAnswer): AbrpAnswer {
  const body = jsonObject(text);
  const message = oneLine(body ? wordsOf(body.errors ?? body.error ?? body.message ?? body.status) : text);
  const said = message === '' ? {} : { message };
  if (status === 401 || status === 403) return { verdict: 'refused', status, ...said };
  if (status !== 200) {
    const retryAfter = retryAfterOf(headers);
    const rejected = status >= 400 && status < 500 && !laterStatus.has(status);
    return {
      verdict: rejected ? 'rejected' : 'later',
      status,
      ...said,
      ...(retryAfter === undefined ? {} : { retryAfter }),
    };
  }
  if (!body) return { verdict: 'later', status, message: message === '' ? 'empty answer' : `not JSON: ${message}` };
  if (body.status !== 'ok') return { verdict: aboutAccess.test(message) ? 'refused' : 'rejected', status, ...said };
  const missing = missingOf(body.missing);
  return {
    verdict: 'ok',
    status,
    ...(missing.length > 0 ? { missing } : {}),
    ...(body.result === undefined ? {} : { result: body.result }),
  };
}
