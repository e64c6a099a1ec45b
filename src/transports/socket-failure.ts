import { inWords } from '../runtime/system-error.ts';

/**
 * Why a socket could not be opened, or is over.
 *
 * - `offline`: the name cannot be resolved, or there is no network
 * - `network`: refused, reset, unreachable
 * - `timeout`: nothing came or went in time
 * - `tls`: the handshake failed or a certificate was refused
 * - `refused`: the far side said that we may not
 * - `closed`: the far side closed it
 * - `protocol`: what came is not what was agreed
 * - `tooLarge`: what was sent is more than the far side or the protocol takes
 * - `aborted`: the caller gave up
 */
export type SocketFailureKind =
  | 'offline'
  | 'network'
  | 'timeout'
  | 'tls'
  | 'refused'
  | 'closed'
  | 'protocol'
  | 'tooLarge'
  | 'aborted';

/** The message is the why alone, a phrase. */
export class SocketFailure extends Error {
  readonly kind: SocketFailureKind;
  /** Status of HTTP or WebSocket, where one was given. */
  readonly code: number | undefined;

  constructor(kind: SocketFailureKind, message: string, options: { code?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'SocketFailure';
    this.kind = kind;
    this.code = options.code;
  }
}

const reasons: Readonly<Record<string, readonly [SocketFailureKind, string]>> = {
  ENOTFOUND: ['offline', 'no such host'],
  EAI_AGAIN: ['offline', 'name service does not answer'],
  ENETUNREACH: ['offline', 'network unreachable'],
  ENETDOWN: ['offline', 'network is down'],
  ECONNREFUSED: ['network', 'connection refused'],
  ECONNRESET: ['network', 'connection reset'],
  ECONNABORTED: ['network', 'connection aborted'],
  EPIPE: ['network', 'closed by the far side'],
  EHOSTUNREACH: ['network', 'host unreachable'],
  EHOSTDOWN: ['network', 'host is down'],
  ENOBUFS: ['network', 'the network card takes no more at the moment'],
  EADDRNOTAVAIL: ['network', 'no address to send from'],
  ETIMEDOUT: ['timeout', 'no answer in time'],
  EMSGSIZE: ['tooLarge', 'longer than the network takes'],
  EACCES: ['refused', 'not permitted'],
  EPERM: ['refused', 'a firewall of this machine refuses it'],
  EPROTO: ['tls', 'the far side does not speak TLS, or refuses our certificate'],
};

const tlsCode = /^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_|ERR_TLS_|ERR_SSL_|ERR_OSSL_)/;

/** Names what Node reported of a socket. */
export function explainSocket(error: unknown): SocketFailure {
  if (error instanceof SocketFailure) return error;
  // Several addresses were tried: the first one's reason is as good as any.
  const one = error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error;
  const { code = '' } = one as { code?: string };
  const known = reasons[code];
  if (known) return new SocketFailure(known[0], known[1], { cause: error });
  if (tlsCode.test(code))
    return new SocketFailure('tls', `certificate or handshake refused: ${code}`, { cause: error });
  return new SocketFailure('network', inWords(one), { cause: error });
}
