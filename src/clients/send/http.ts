import { retryAfter } from '../../protocols/http/retry-after.ts';
import { type HttpAnswer, httpClient } from '../../transports/http/client.ts';
import { HttpFailure } from '../../transports/http/failure.ts';
import { createTextBytes, type TextBytes } from '../text-bytes.ts';
import { httpHeaders } from './headers.ts';
import { kindOf } from './http-status.ts';
import { type BadVerdict, type Link, neverLost, type Verdict } from './link.ts';
import type { HttpBody, LinkSettings } from './settings.ts';

/** Bytes of a request at most, before compression. */
const maxBody = 4 * 1024 * 1024;
const defaultBatch = 500;
/** What of an answer goes into messages, in characters, and what is kept of it for that, in bytes. */
const shownAnswer = 200;
const keptAnswer = 4096;

const types: Readonly<Record<HttpBody, string>> = {
  ndjson: 'application/x-ndjson',
  array: 'application/json',
  object: 'application/json',
};

/** What stands before, between and behind the records of a body. */
const around: Readonly<Record<HttpBody, readonly [string, string, string]>> = {
  ndjson: ['', '\n', '\n'],
  array: ['[', ',', ']'],
  object: ['', '', ''],
};

/** Puts the texts of records together as one body. */
function fill(bytes: TextBytes, payloads: readonly string[], body: HttpBody, head: string | undefined): void {
  const [before, between, behind] = around[body];
  bytes.text(head === undefined ? before : `${head}\n`);
  for (const [index, text] of payloads.entries()) {
    if (index > 0) bytes.text(between);
    bytes.text(text);
  }
  bytes.text(behind);
}

/** `http://…` and `https://…`: one request a portion. */
export function httpLink(settings: LinkSettings): Link {
  const { target, payload, opts, tls, clock } = settings;
  const body = opts.body ?? 'ndjson';
  const http = httpClient(clock, 1);
  const headers = {
    'content-type': payload.name === 'csv' ? 'text/csv; charset=utf-8' : types[body],
    ...(opts.gzip ? { 'content-encoding': 'gzip' } : {}),
    ...httpHeaders(settings),
  };
  const close = (): void => void http.close();
  // One connection, one request at a time: when the second of two is answered, the first has left, even if its answer came early.
  let [bytes, other] = [createTextBytes(), createTextBytes()];
  return {
    name: target.shown,
    window: 1,
    limits: { records: body === 'object' ? 1 : (opts.batch ?? defaultBatch), bytes: maxBody },
    keeps: false,
    open: async (signal) => ({
      lost: neverLost,
      async deliver({ payloads }): Promise<Verdict> {
        [bytes, other] = [other, bytes];
        fill(bytes, payloads, body, payload.head());
        const plain = bytes.view();
        try {
          const answer = await http.call({
            method: opts.method ?? 'POST',
            url: target.url,
            headers,
            body: opts.gzip ? await gzip(plain) : plain,
            timeoutMs: opts.readTimeout,
            maxBytes: keptAnswer,
            cut: true,
            signal,
            tls,
          });
          return verdictOfAnswer(answer, clock.now());
        } catch (error) {
          if (error instanceof HttpFailure) return verdictOfFailure(error);
          throw error;
        }
      },
      async end() {
        await http.close();
        return undefined;
      },
      // The next session of this link uses the same connections; they are closed with the process.
      abandon: () => signal.aborted && close(),
    }),
  };
}

async function gzip(plain: Uint8Array): Promise<Uint8Array> {
  const [{ gzip: compress }, { promisify }] = await Promise.all([import('node:zlib'), import('node:util')]);
  return promisify(compress)(plain);
}

function verdictOfAnswer({ status, headers, text }: HttpAnswer, now: number): Verdict {
  const kind = kindOf(status);
  const said = text.trim().replaceAll(/\s+/g, ' ').slice(0, shownAnswer);
  if (kind === 'delivered') return { kind, status: String(status), ...(said === '' ? {} : { message: said }) };
  const message = `answered ${status}${said === '' ? '' : `: ${said}`}`;
  const wait = kind === 'later' ? retryAfter(headers['retry-after'], now) : undefined;
  return { kind, status: String(status), message, ...(wait === undefined ? {} : { retryAfter: wait }) } as Verdict;
}

function verdictOfFailure({ code, reason }: HttpFailure): BadVerdict {
  return { kind: code === 'tls' || code === 'url' ? 'wrong' : 'later', status: code, message: reason };
}
