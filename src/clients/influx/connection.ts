import { isOwn, judgeWrite, messageOf, type PlainAnswer, type Verdict } from '../../protocols/influx/answer.ts';
import {
  type Api,
  apiUrl,
  authorization,
  type Credentials,
  createRequest,
  type Target,
  writeUrl,
} from '../../protocols/influx/requests.ts';
import { identify } from '../../protocols/influx/server.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Log } from '../../runtime/log.ts';
import type { HttpClient } from '../../transports/http/client.ts';
import { HttpFailure } from '../../transports/http/failure.ts';

/** How a server is reached. */
export interface ConnectionOptions {
  http: HttpClient;
  clock: Clock;
  log: Log;
  target: Target;
  /** Which interface it has; `auto` asks it before the first write. */
  api: Api | 'auto';
  precision: 'ms' | 's';
  /** Reads the credentials; called again after a refusal, so that a file with a new token is taken up. */
  credentials(): Promise<Credentials>;
  gzip: boolean;
  /** The lines may hold texts. */
  texts?: boolean;
  /** Milliseconds for one exchange. */
  timeout: number;
  /** Gives calls up. */
  signal: AbortSignal;
}

/** The verdict on a write, with the HTTP status where there was an answer, and how long it took in milliseconds. */
export interface WriteAnswer {
  verdict: Verdict;
  status?: number;
  latency: number;
}

/** A server to write to. No method throws: a call that brings no answer is one to try later. */
export interface Connection {
  /** Sends lines, each with its newline. */
  write(body: Uint8Array): Promise<WriteAnswer>;
  /** Has the server make the database; the verdict is `taken` when it is there. */
  createDatabase(): Promise<Verdict>;
  /** Asks for the credentials anew before the next write. */
  forget(): void;
  /** Known after the first write, at once when it was given. */
  readonly api: Api | undefined;
}

/** Bodies below this are sent as they are. */
const worthCompressing = 1024;

const noTexts = 'VictoriaMetrics keeps no texts and would store 0 in their place; leave --string-fields out';

const later = (message: string): Verdict => ({ kind: 'later', message });

const noOrganization = 'no organisation, and InfluxDB 2.x writes nothing without one';

/** The verdict on a question that was answered with neither yes nor no. */
const unless = (answer: PlainAnswer, now: number, otherwise: 'misconfigured' | 'foreign'): Verdict => {
  const verdict = judgeWrite(answer, now);
  if (verdict.kind === 'later' || verdict.kind === 'refused' || verdict.kind === 'away') return verdict;
  return { kind: otherwise, message: messageOf(answer) };
};

/** Why nothing can be written to a server of this kind, as it is configured. */
const obstacle = (api: Api, { target, texts }: ConnectionOptions): string | undefined => {
  if (api === 'vm' && texts) return noTexts;
  return api === 'v2' && !target.org ? noOrganization : undefined;
};

/** Makes a connection; nothing is sent before the first write. */
export function createConnection(options: ConnectionOptions): Connection {
  const { http, clock, log, target } = options;
  let api = options.api === 'auto' ? undefined : options.api;
  let known: Credentials | undefined;

  const call = (method: 'GET' | 'POST', url: string, headers: Record<string, string>, body?: string | Uint8Array) =>
    http.call({ method, url, headers, timeoutMs: options.timeout, signal: options.signal, ...(body ? { body } : {}) });

  /** Asks the server what it is; a verdict says why that is not known yet. */
  const ask = async (credentials: Credentials): Promise<Verdict | Api> => {
    const headers = authorization('v3', credentials);
    const [ping, health] = await Promise.all([
      call('GET', apiUrl(target, '/ping'), headers),
      call('GET', apiUrl(target, '/health'), headers),
    ]);
    const server = identify(ping, health);
    if (server) {
      log.info(`writes to ${named[server.api]}`, { version: server.version });
      return server.api;
    }
    if (ping.status >= 400) return unless(ping, clock.now(), 'foreign');
    const message = `neither InfluxDB nor VictoriaMetrics answers there (ping: HTTP ${ping.status}); --api says what it is`;
    return { kind: 'foreign', message };
  };

  const compressed = async (body: Uint8Array): Promise<Uint8Array> => {
    const { gzip } = await import('node:zlib');
    return new Promise((resolve, reject) => {
      gzip(body, { level: 1 }, (error, bytes) => (error ? reject(error) : resolve(bytes)));
    });
  };

  const exchange = async (body: Uint8Array): Promise<{ verdict: Verdict; status?: number }> => {
    known ??= await options.credentials();
    if (api === undefined) {
      const found = await ask(known);
      if (typeof found !== 'string') return { verdict: found };
      api = found;
    }
    const message = obstacle(api, options);
    if (message !== undefined) return { verdict: { kind: 'misconfigured', message } };
    const compress = options.gzip && body.length >= worthCompressing;
    const answer = await call(
      'POST',
      writeUrl(api, target, options.precision),
      {
        'content-type': 'text/plain; charset=utf-8',
        ...authorization(api, known),
        ...(compress ? { 'content-encoding': 'gzip' } : {}),
      },
      compress ? await compressed(body) : body,
    );
    if (answer.status >= 300)
      log.debug('answer to a write', { status: answer.status, text: answer.text.slice(0, 500) });
    return { verdict: judgeWrite(answer, clock.now()), status: answer.status };
  };

  const noAnswer = (error: unknown): { verdict: Verdict } => {
    if (!(error instanceof HttpFailure)) throw error;
    const { code, message, reason } = error;
    // A certificate may be a newer one tomorrow; an address stays what it is.
    if (code === 'url') return { verdict: { kind: 'misconfigured', message } };
    return { verdict: code === 'tls' ? { kind: 'foreign', message } : later(reason) };
  };

  return {
    get api() {
      return api;
    },
    async write(body) {
      const start = clock.monotonic();
      const result = await exchange(body).catch(noAnswer);
      return { ...result, latency: Math.round(clock.monotonic() - start) };
    },
    async createDatabase() {
      const request = api && createRequest(api, target);
      if (!request) return { kind: 'misconfigured', message: 'only InfluxDB 1.x and 3 make a database on demand' };
      try {
        known ??= await options.credentials();
        const headers = { 'content-type': request.type, ...authorization(api!, known) };
        const answer = await call(request.method, request.url, headers, request.body);
        if (answer.status >= 300) return unless(answer, clock.now(), isOwn(answer) ? 'misconfigured' : 'foreign');
        const failed = /"error":"((?:[^"\\]|\\.)*)"/.exec(answer.text)?.[1];
        return failed === undefined ? { kind: 'taken' } : { kind: 'misconfigured', message: failed };
      } catch (error) {
        return noAnswer(error).verdict;
      }
    },
    forget() {
      known = undefined;
    },
  };
}

/** What each interface is called among people. */
const named: Record<Api, string> = { v1: 'InfluxDB 1.x', v2: 'InfluxDB 2.x', v3: 'InfluxDB 3', vm: 'VictoriaMetrics' };
