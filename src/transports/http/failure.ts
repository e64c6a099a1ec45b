import { explainSocket } from '../socket-failure.ts';

/**
 * Why a call brought no answer.
 *
 * - `timeout`: no complete answer in time
 * - `network`: name not found, connection refused, lost or reset
 * - `tls`: the far side's certificate or handshake was refused
 * - `aborted`: the caller gave up, or the client was closed
 * - `tooLarge`: the answer was longer than allowed
 * - `protocol`: what came back is not HTTP
 * - `url`: the address itself is unusable
 */
export type HttpFailureCode = 'timeout' | 'network' | 'tls' | 'aborted' | 'tooLarge' | 'protocol' | 'url';

/** A call that brought no answer. Its message names method, host and path; never the query, where secrets are. */
export class HttpFailure extends Error {
  readonly code: HttpFailureCode;
  /** The reason alone, as `connection refused`. */
  readonly reason: string;

  constructor(code: HttpFailureCode, method: string, url: string | URL, reason: string, options?: ErrorOptions) {
    super(`${method} ${shownUrl(url)}: ${reason}`, options);
    this.name = 'HttpFailure';
    this.code = code;
    this.reason = reason;
  }

  /** Whether the same call may succeed later. */
  get temporary(): boolean {
    return this.code === 'timeout' || this.code === 'network' || this.code === 'protocol';
  }
}

/** An address without user, password, query and fragment, fit for messages and logs. */
export function shownUrl(url: string | URL): string {
  if (!URL.canParse(String(url)))
    return String(url)
      .replace(/[?#].*$/s, '')
      .replace(/\/\/[^/@]*@/, '//');
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

/** What undici's codes mean, in words, and those of a socket where {@link explainSocket} has others. */
const reasons: Readonly<Record<string, readonly [HttpFailureCode, string]>> = {
  EPIPE: ['network', 'connection reset'],
  ETIMEDOUT: ['timeout', 'no connection in time'],
  UND_ERR_CONNECT_TIMEOUT: ['timeout', 'no connection in time'],
  UND_ERR_SOCKET: ['network', 'connection closed by the far side'],
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: ['network', 'answer cut short'],
  UND_ERR_DESTROYED: ['aborted', 'the client was closed'],
  UND_ERR_CLOSED: ['aborted', 'the client was closed'],
  UND_ERR_ABORTED: ['aborted', 'given up'],
  UND_ERR_HEADERS_OVERFLOW: ['tooLarge', 'the headers of the answer are too long'],
  EPROTO: ['tls', 'the far side does not speak TLS'],
};

const certificateCodes = /^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_|ERR_TLS_|ERR_SSL_)/;

/** Names what undici threw. */
export function explain(error: unknown, method: string, url: URL): HttpFailure {
  if (error instanceof HttpFailure) return error;
  const { code = '', name = '', message = String(error) } = error as { code?: string; name?: string; message?: string };
  const named = (kind: HttpFailureCode, reason: string): HttpFailure =>
    new HttpFailure(kind, method, url, reason, { cause: error });
  const known = reasons[code];
  if (known) return named(...known);
  if (certificateCodes.test(code)) return named('tls', `certificate refused (${code})`);
  if (name === 'HTTPParserError') return named('protocol', 'the answer is not HTTP');
  if (code.startsWith('UND_ERR_INVALID_ARG') || code === 'UND_ERR_NOT_SUPPORTED') return named('url', message);
  return named('network', code === '' ? 'connection failed' : explainSocket(error).message);
}
