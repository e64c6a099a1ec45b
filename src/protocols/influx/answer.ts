import { retryAfter } from '../http/retry-after.ts';

// What servers answer to a write: InfluxDB 1.6.7 as recorded, 2.x and 3 as documented.

/** A line that the server did not take. `line` counts from 1; `text` is what the server repeated of it. */
export interface RejectedLine {
  line?: number;
  text?: string;
  reason: string;
}

/**
 * What is to be done after an answer.
 *
 * - `taken`: all lines are stored
 * - `named`: all but the lines named are stored; `all` says whether more may have been rejected than were named
 * - `some`: some lines are not stored, which is not said; `dropped` says how many where the server does
 * - `split`: too large
 * - `later`: nothing wrong with the lines; `wait` is what the server asked for, in milliseconds
 * - `noDatabase`, `misconfigured`: a person must act
 * - `refused`: credentials
 * - `rejected`: no line is stored, and none ever will be
 */
export type Verdict =
  | { kind: 'taken' }
  | { kind: 'named'; message: string; rejected: readonly RejectedLine[]; all: boolean }
  | { kind: 'some'; message: string; dropped?: number }
  | { kind: 'later'; message: string; wait?: number }
  | { kind: 'split' | 'noDatabase' | 'misconfigured' | 'refused' | 'rejected'; message: string };

/** An HTTP answer, as a transport gives it. */
export interface PlainAnswer {
  status: number;
  headers: Readonly<Record<string, string>>;
  text: string;
}

/** Longest wait that a server may ask for. */
const longestWait = 600_000;
/** InfluxDB 3 names no more lines than this in one answer. */
const mostNamed = 100;

type Rule = { statuses: readonly number[]; says?: RegExp; kind: Exclude<Verdict['kind'], 'taken' | 'named'> };

/** The first rule that fits decides. */
const rules: readonly Rule[] = [
  // Permanent although 5xx: with the same policy it fails for ever.
  { statuses: [500], says: /retention policy not found/, kind: 'misconfigured' },
  {
    statuses: [404],
    says: /(database|bucket|organi[sz]ation).* not found|not found.*(database|bucket)|could not find bucket/i,
    kind: 'noDatabase',
  },
  // No such page: another interface, or a proxy without its server. The lines are not at fault.
  { statuses: [404], kind: 'misconfigured' },
  // The same in the words of VictoriaMetrics.
  { statuses: [400], says: /unsupported path requested/, kind: 'misconfigured' },
  { statuses: [401, 403], kind: 'refused' },
  { statuses: [413], kind: 'split' },
  { statuses: [400, 422], kind: 'some' },
  { statuses: [408, 425, 429], kind: 'later' },
];

/** Judges the answer to a write. `now` is the present time in milliseconds, for a Retry-After that is a date. */
export function judgeWrite(answer: PlainAnswer, now: number): Verdict {
  const { status } = answer;
  if (status >= 200 && status < 300) return { kind: 'taken' };
  const message = messageOf(answer);
  if (status === 400 || status === 422) {
    const rejected = namedLines(answer.text);
    if (rejected) return { kind: 'named', message, rejected, all: rejected.length < mostNamed };
  }
  const rule = rules.find(
    ({ statuses, says }) =>
      statuses.includes(status) && (says === undefined || says.test(message) || says.test(answer.text)),
  );
  const kind = rule?.kind ?? (status >= 500 ? 'later' : status >= 300 && status < 400 ? 'misconfigured' : 'rejected');
  if (kind === 'later') {
    const wait = retryAfter(answer.headers['retry-after'], now);
    return { kind, message, ...(wait === undefined ? {} : { wait: Math.min(wait, longestWait) }) };
  }
  if (kind === 'some') {
    const dropped = droppedIn(message);
    return { kind, message, ...(dropped === undefined ? {} : { dropped }) };
  }
  return { kind, message };
}

/** What an answer says went wrong: the text of `error` or `message`, a header, or the status with the place that a redirect names. */
export function messageOf({ status, headers, text }: PlainAnswer): string {
  const body = jsonOf(text);
  const said = [body?.error, body?.message, headers['x-influxdb-error']].find(
    (one) => typeof one === 'string' && one !== '',
  );
  if (said !== undefined) return String(said);
  if (headers.location !== undefined) return `HTTP ${status}, which points to ${headers.location}`;
  return text !== '' && text.length <= 200 && !text.includes('<') ? `HTTP ${status}: ${text.trim()}` : `HTTP ${status}`;
}

function jsonOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** The list of InfluxDB 3: `data: [{original_line, line_number, error_message}]`. */
function namedLines(text: string): RejectedLine[] | undefined {
  const data = jsonOf(text)?.data;
  if (!Array.isArray(data) || data.length === 0) return undefined;
  return data.map(({ line_number, original_line, error_message } = {}) => ({
    ...(typeof line_number === 'number' ? { line: line_number } : {}),
    ...(typeof original_line === 'string' ? { text: original_line } : {}),
    reason: String(error_message ?? 'not said'),
  }));
}

/** `dropped=0` is what 1.x says of lines that it could not parse: it counts none of them. */
function droppedIn(message: string): number | undefined {
  const count = Number(/dropped=(\d+)\s*$/.exec(message)?.[1] ?? 0);
  return count > 0 ? count : undefined;
}
