import type { Socket } from 'node:net';
import { type Clock, systemClock } from '../../runtime/clock.ts';
import { explainSocket, SocketFailure } from '../socket-failure.ts';
import { type TlsOptions, tlsSettings } from '../tls.ts';
import { unacknowledgedBytes } from './unacknowledged.ts';

/** Where to connect. */
export interface TcpOptions {
  host: string;
  port: number;
  /** Speaks TLS, and checks that the certificate is the host's. */
  tls?: TlsOptions | undefined;
  /** Milliseconds until the connection, handshake included, stands. */
  timeoutMs: number;
  signal?: AbortSignal;
  clock?: Clock;
}

/** An open connection. */
export interface TcpConnection {
  /** Resolves when our kernel has taken the bytes; rejects with {@link SocketFailure}. */
  write(bytes: Uint8Array): Promise<void>;
  /** Bytes that the far side's kernel has not acknowledged; undefined where that can't be known. */
  unacknowledged(): Promise<number | undefined>;
  /** Calls `fn` with what the far side says. */
  onData(fn: (bytes: Buffer) => void): void;
  /** Calls `fn` when the far side has said that it will say nothing more; it may still listen. */
  onEnd(fn: () => void): void;
  /** Says that nothing more comes. */
  end(): void;
  /** Ends it at once; `closed` resolves to `why`. */
  destroy(why?: SocketFailure): void;
  /** Resolves when it is over: to the reason, or to undefined when both sides had said that nothing more comes. */
  readonly closed: Promise<SocketFailure | undefined>;
}

/** Idle connections are probed after so long, so that routers keep them and a peer that is gone is noticed some day. */
const keepAliveAfter = 30_000;

/** Connects. Rejects with {@link SocketFailure} and nothing else. */
export async function connectTcp(options: TcpOptions): Promise<TcpConnection> {
  const { host, port, timeoutMs, signal, clock = systemClock } = options;
  if (signal?.aborted) throw new SocketFailure('aborted', 'given up');
  const socket = await dial(options);
  let failure: SocketFailure | undefined;
  socket.on('error', (error) => {
    failure ??= explainSocket(error);
  });
  const closed = new Promise<SocketFailure | undefined>((resolve) => {
    socket.once('close', () => resolve(failure));
  });
  const giveUp = (why: SocketFailure): void => {
    failure ??= why;
    socket.destroy();
  };
  const onAbort = (): void => giveUp(new SocketFailure('aborted', 'given up'));
  // It may have aborted while what this needs was loaded.
  if (signal?.aborted) onAbort();
  signal?.addEventListener('abort', onAbort, { once: true });
  const cancel = clock.after(timeoutMs, () => giveUp(new SocketFailure('timeout', 'no connection in time')));
  try {
    await Promise.race([
      new Promise<void>((resolve) => socket.once(options.tls ? 'secureConnect' : 'connect', () => resolve())),
      closed.then((why) => {
        throw why ?? new SocketFailure('closed', 'closed by the far side');
      }),
    ]);
  } finally {
    cancel();
    signal?.removeEventListener('abort', onAbort);
  }
  socket.setNoDelay(true);
  socket.setKeepAlive(true, keepAliveAfter);
  const { localPort = 0, remotePort = port, localFamily } = socket;
  // Unread data would stop the socket from noticing its end.
  socket.resume();
  return {
    closed,
    write: (bytes) =>
      new Promise((resolve, reject) => {
        socket.write(bytes, (error) => {
          if (!error) resolve();
          else reject(failure ?? explainSocket(error));
        });
      }),
    unacknowledged: () => unacknowledgedBytes({ localPort, remotePort, ipv6: localFamily === 'IPv6' }),
    onData: (fn) => void socket.on('data', fn),
    onEnd: (fn) => void socket.once('end', fn),
    end: () => void socket.end(),
    destroy(why) {
      giveUp(why ?? new SocketFailure('aborted', 'given up'));
    },
  };

  async function dial({ tls }: TcpOptions): Promise<Socket> {
    // A far side that has nothing to say may close its half from the start: that is no end.
    const address = { host, port, allowHalfOpen: true };
    if (!tls) return (await import('node:net')).connect(address);
    const { connect } = await import('node:tls');
    const { isIP } = await import('node:net');
    return connect({ ...address, ...tlsSettings(tls), ...(isIP(host) ? {} : { servername: host }) });
  }
}
