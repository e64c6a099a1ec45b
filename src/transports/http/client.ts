import type { Agent } from 'undici';
import { type Clock, systemClock } from '../../runtime/clock.ts';
import { compileWasmOnce } from '../../runtime/engine.ts';
import { type TlsOptions, tlsSettings } from '../tls.ts';
import { explain, HttpFailure, shownUrl } from './failure.ts';

/** One request. */
interface HttpRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  url: string | URL;
  headers?: Readonly<Record<string, string>>;
  body?: string | Uint8Array;
  /** Milliseconds for the whole exchange, from the call to the last byte of the answer (default 30 s). */
  timeoutMs?: number;
  /** Gives the call up. */
  signal?: AbortSignal;
  /** Certificates (PEM) to trust instead of the built-in ones, for a far side with an authority of its own. */
  ca?: string;
  /** Whom to trust, and who we are; one object for all calls of a far side. Its `ca` goes before the one above. */
  tls?: TlsOptions;
  /** The longest answer in bytes (default 1 MiB). */
  maxBytes?: number;
  /** What is longer is read to its end and cut, where the status says all; otherwise it is a failure. */
  cut?: boolean;
}

/** An answer, whatever its status: a 404 or 500 is an answer, not a failure. Redirects are answers too, never followed. */
export interface HttpAnswer {
  status: number;
  /** Names in lower case; a header that came several times is joined by `, `. */
  headers: Readonly<Record<string, string>>;
  /** The body as UTF-8. */
  text: string;
}

/** Makes calls over connections that are kept alive between them. */
export interface HttpClient {
  /** Resolves to the answer; rejects with {@link HttpFailure} and nothing else. */
  call(request: HttpRequest): Promise<HttpAnswer>;
  /** Closes every connection; a call still under way is rejected as `aborted`. */
  close(): Promise<void>;
}

const defaultTimeout = 30_000;
const defaultMaxBytes = 1 << 20;
/** Longer than the usual 10 s between two pushes, so that a handshake is not paid for each. */
const keepAlive = 30_000;

/**
 * A client with connections of its own. undici is loaded by the first call; idle connections never keep the process alive.
 *
 * @param connections to one far side at most; calls beyond wait for their turn. undefined: as many as there are calls
 */
export function httpClient(clock: Clock = systemClock, connections?: number): HttpClient {
  const agents = new Map<string | TlsOptions | undefined, Agent>();
  let closed = false;

  async function agentFor({ ca, tls }: HttpRequest): Promise<Agent> {
    const { Agent } = await import('undici');
    const key = tls ?? ca;
    let agent = agents.get(key);
    if (!agent) {
      // Loaded it is; its parser is compiled by the first connection.
      compileWasmOnce();
      // The one limit on time is ours, over the whole exchange.
      agent = new Agent({
        headersTimeout: 0,
        bodyTimeout: 0,
        keepAliveTimeout: keepAlive,
        ...(connections === undefined ? {} : { connections }),
        ...(key === undefined ? {} : { connect: tlsSettings({ ca, ...tls }) }),
      });
      agents.set(key, agent);
    }
    return agent;
  }

  async function exchange(request: HttpRequest, url: URL, stop: AbortController): Promise<HttpAnswer> {
    const agent = await agentFor(request);
    if (closed) throw new HttpFailure('aborted', request.method, url, 'the client was closed');
    const response = await agent.request({
      origin: url.origin,
      path: url.pathname + url.search,
      method: request.method,
      headers: { ...request.headers },
      body: request.body ?? null,
      signal: stop.signal,
    });
    const max = request.maxBytes ?? defaultMaxBytes;
    const parts: Buffer[] = [];
    let size = 0;
    for await (const part of response.body) {
      const room = max - size;
      size += part.length;
      if (size > max && !request.cut)
        throw new HttpFailure('tooLarge', request.method, url, `the answer is longer than ${max} bytes`);
      if (room > 0) parts.push(part.length > room ? part.subarray(0, room) : part);
    }
    return {
      status: response.statusCode,
      headers: flatten(response.headers),
      text: Buffer.concat(parts).toString('utf8'),
    };
  }

  return {
    async call(request) {
      const url = parse(request);
      const timeout = request.timeoutMs ?? defaultTimeout;
      const stop = new AbortController();
      const giveUp = (code: 'timeout' | 'aborted', why: string): void =>
        stop.abort(new HttpFailure(code, request.method, url, why));
      const onAbort = (): void => giveUp('aborted', 'given up');
      if (request.signal?.aborted) onAbort();
      request.signal?.addEventListener('abort', onAbort, { once: true });
      const cancel = clock.after(timeout, () => giveUp('timeout', `no answer within ${timeout / 1000} s`));
      try {
        stop.signal.throwIfAborted();
        return await exchange(request, url, stop);
      } catch (error) {
        throw stop.signal.aborted ? stop.signal.reason : explain(error, request.method, url);
      } finally {
        cancel();
        request.signal?.removeEventListener('abort', onAbort);
      }
    },
    async close() {
      closed = true;
      await Promise.all([...agents.values()].map((agent) => agent.destroy()));
    },
  };
}

function parse({ method, url }: HttpRequest): URL {
  const parsed = URL.canParse(String(url)) ? new URL(url) : undefined;
  if (parsed?.protocol === 'http:' || parsed?.protocol === 'https:') return parsed;
  throw new HttpFailure('url', method, shownUrl(url), 'not an http or https address');
}

function flatten(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value;
  }
  return flat;
}
