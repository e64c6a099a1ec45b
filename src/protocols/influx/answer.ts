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
 * - `split`: too large; `own` when it is the database that says so
 * - `later`: nothing wrong with the lines; `wait` is what the server asked for, in milliseconds
 * - `noDatabase`, `misconfigured`: the database says what a person must mend
 * - `refused`: credentials
 * - `away`: a page that is not there, as a proxy answers while its server starts
 * - `foreign`: whoever answered, it is not the database that speaks of the lines
 */
export type Verdict =
  | { kind: 'taken' }
  | { kind: 'named'; message: string; rejected: readonly RejectedLine[]; all: boolean }
  | { kind: 'some'; message: string; dropped?: number }
  | { kind: 'split'; message: string; own: boolean }
  | { kind: 'later'; message: string; wait?: number }
  | { kind: 'noDatabase' | 'misconfigured' | 'refused' | 'away' | 'foreign'; message: string };

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

/**
 * What a database says of lines that it does not take. Nothing else that may come with 400 or 422 costs a line: a proxy says 400 to
 * a request that it does not understand, and every line would be at fault by that.
 */
const aboutLines: readonly RegExp[] = [
  // 1.x, 2.x and 3
  /\bpartial write\b/,
  // 1.x, 2.x
  /unable to parse '/,
  /field type conflict/,
  // 3, its clouds, QuestDB
  /failed to parse line protocol|line protocol parsing error|parsing failed for write_lp/,
  /outside of the retention period|update to schema would exceed|schema (?:conflict|validation)/i,
  // VictoriaMetrics of later years; 1.79 takes everything
  /(?:incorrect|cannot unmarshal) influx line/i,
  // Telegraf's listeners
  /metric parse error/,
];

type Kind = Exclude<Verdict['kind'], 'taken' | 'named'>;
type Rule = { statuses: readonly number[]; says?: readonly RegExp[]; kind: Kind };

/** The first rule that fits decides. */
const rules: readonly Rule[] = [
  { statuses: [400, 422], says: aboutLines, kind: 'some' },
  // Permanent although 5xx: with the same policy it fails for ever.
  { statuses: [500], says: [/retention policy not found/], kind: 'misconfigured' },
  {
    statuses: [404],
    says: [/(database|bucket|organi[sz]ation).* not found|not found.*(database|bucket)|could not find bucket/i],
    kind: 'noDatabase',
  },
  { statuses: [404], kind: 'away' },
  // Another interface, in the words of VictoriaMetrics; no database, in those of 1.x; no organisation, in those of 2.x.
  {
    statuses: [400],
    says: [/unsupported path requested/, /database is required/, /provide either orgID or org/],
    kind: 'misconfigured',
  },
  { statuses: [401, 403], kind: 'refused' },
  { statuses: [413], kind: 'split' },
  { statuses: [408, 425, 429], kind: 'later' },
];

/** Judges the answer to a write. `now` is the present time in milliseconds, for a Retry-After that is a date. */
export function judgeWrite(answer: PlainAnswer, now: number): Verdict {
  const { status, headers, text } = answer;
  if (status >= 200 && status < 300 && !isPage(headers)) return { kind: 'taken' };
  const message = messageOf(answer);
  const rejected = status === 400 || status === 422 ? namedLines(text) : undefined;
  if (rejected) return { kind: 'named', message, ...rejected };
  const said = (words: RegExp): boolean => words.test(message) || words.test(text);
  const rule = rules.find(({ statuses, says }) => statuses.includes(status) && (says === undefined || says.some(said)));
  const kind = rule?.kind ?? (status >= 500 ? 'later' : 'foreign');
  if (kind === 'later') {
    const wait = retryAfter(headers['retry-after'], now);
    return { kind, message, ...(wait === undefined ? {} : { wait: Math.min(wait, longestWait) }) };
  }
  if (kind === 'some') {
    const dropped = droppedIn(message);
    return { kind, message, ...(dropped === undefined ? {} : { dropped }) };
  }
  return kind === 'split' ? { kind, message, own: isOwn(answer) } : { kind, message };
}

/** Whether an answer has the form that databases give their errors. */
export const isOwn = (answer: PlainAnswer): boolean => ownWords(answer) !== undefined;

/** A page for people, as of a proxy or a router: no database answers a write with one. */
const isPage = (headers: PlainAnswer['headers']): boolean => /^text\/html\b/i.test(headers['content-type'] ?? '');

/** What an answer says went wrong: the text of `error` or `message`, a header, or the status with the place that a redirect names. */
export function messageOf(answer: PlainAnswer): string {
  const { status, headers, text } = answer;
  const said = ownWords(answer);
  if (said !== undefined) return said;
  if (status < 300) return `HTTP ${status} with a web page`;
  if (headers.location !== undefined) return `HTTP ${status}, which points to ${headers.location}`;
  return text !== '' && text.length <= 200 && !text.includes('<')
    ? `HTTP ${status}: ${text.trim().replace(/\.$/, '')}`
    : `HTTP ${status}`;
}

function ownWords({ headers, text }: PlainAnswer): string | undefined {
  const body = jsonOf(text);
  return [body?.error, body?.message, headers['x-influxdb-error']].find(
    (one): one is string => typeof one === 'string' && one !== '',
  );
}

function jsonOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

interface NamedLine {
  original_line?: unknown;
  line_number?: unknown;
  error_message?: unknown;
}

/**
 * What InfluxDB 3 names: `data: [{original_line, line_number, error_message}]`, or one such object alone when it stored none of the
 * lines because of it.
 */
function namedLines(text: string): { rejected: readonly RejectedLine[]; all: boolean } | undefined {
  const data = jsonOf(text)?.data;
  const lines: unknown[] = Array.isArray(data) ? data : [data];
  if (lines.length === 0 || !lines.every(isNamedLine)) return undefined;
  const rejected = lines.map(({ line_number, original_line, error_message }) => ({
    ...(typeof line_number === 'number' ? { line: line_number } : {}),
    ...(typeof original_line === 'string' ? { text: original_line } : {}),
    reason: String(error_message ?? 'not said'),
  }));
  return { rejected, all: Array.isArray(data) && lines.length < mostNamed };
}

const isNamedLine = (one: unknown): one is NamedLine =>
  typeof one === 'object' && one !== null && ('line_number' in one || 'original_line' in one);

/** `dropped=0` is what 1.x says of lines that it could not parse: it counts none of them. */
function droppedIn(message: string): number | undefined {
  const count = Number(/dropped=(\d+)\s*$/.exec(message)?.[1] ?? 0);
  return count > 0 ? count : undefined;
}
