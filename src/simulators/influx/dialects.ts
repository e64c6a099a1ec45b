import type { BadLine, Written } from './store.ts';

/** The InfluxDB that is simulated. */
export type Dialect = '1' | '2' | '3';

/** An answer in full. */
export interface Answer {
  status: number;
  /** Sent as JSON; absent: no body. */
  body?: unknown;
  headers?: Readonly<Record<string, string>>;
}

/** Codes that 2.x puts beside its messages. */
const codes: Readonly<Record<number, string>> = {
  400: 'invalid',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not found',
  413: 'request too large',
  422: 'unprocessable entity',
  429: 'too many requests',
  500: 'internal error',
  503: 'unavailable',
};

/** An error in the form of the server. */
export function errorAnswer(dialect: Dialect, status: number, message: string): Answer {
  if (dialect === '2') return { status, body: { code: codes[status] ?? 'internal error', message } };
  if (dialect === '3') return { status, body: { error: message } };
  return { status, body: { error: message }, headers: { 'x-influxdb-error': message } };
}

const unparsed = (bad: readonly BadLine[]): string =>
  bad.map(({ line, why }) => `unable to parse '${line}': ${why}`).join('\n');

/** InfluxDB 3 names each line, up to a hundred. */
const named = (bad: readonly BadLine[]): unknown[] =>
  bad.slice(0, 100).map(({ line, number, why }) => ({ original_line: line, line_number: number, error_message: why }));

/** The answer to a write whose good lines are stored. */
export function writeAnswer(dialect: Dialect, { stored, bad }: Written): Answer {
  if (bad.length === 0) return { status: 204 };
  if (dialect === '3') {
    return { status: 400, body: { error: 'partial write of line protocol occurred', data: named(bad) } };
  }
  const refused = bad.filter(({ parsed }) => parsed);
  if (refused.length === 0) {
    const partly = stored.length > 0 && dialect === '1';
    return errorAnswer(dialect, 400, partly ? `partial write: ${unparsed(bad)} dropped=0` : unparsed(bad));
  }
  const message = `partial write: ${refused.at(-1)!.why} dropped=${refused.length}`;
  return dialect === '1'
    ? errorAnswer('1', 400, message)
    : errorAnswer('2', 422, `failure writing points to database: ${message}`);
}

const versions: Record<Dialect, string> = { 1: '1.8.10', 2: 'v2.7.11', 3: '3.11.2' };

/** `GET /ping`. */
export const pingAnswer = (dialect: Dialect): Answer =>
  dialect === '3'
    ? { status: 200, body: { version: versions[3], revision: 'simulated' } }
    : {
        status: 204,
        headers: { 'x-influxdb-build': 'OSS', 'x-influxdb-version': versions[dialect] },
      };

/** `GET /health`. */
export const healthAnswer = (dialect: Dialect): Answer => ({
  status: 200,
  body: { name: 'influxdb', message: 'ready for queries and writes', status: 'pass', version: versions[dialect] },
});
