import type WebSocket from 'ws';
import { type Clock, systemClock } from '../../runtime/clock.ts';
import { explainSocket, SocketFailure } from '../socket-failure.ts';
import { type TlsOptions, tlsSettings } from '../tls.ts';

/** Where to connect, and how. */
export interface WebSocketOptions {
  /** `ws://…` or `wss://…`. */
  url: string;
  headers?: Readonly<Record<string, string>>;
  /** Subprotocols to offer. */
  protocols?: readonly string[];
  tls?: TlsOptions | undefined;
  /** Milliseconds until the handshake is done, and until a ping is answered. */
  timeoutMs: number;
  /** Milliseconds between pings on a silent connection. */
  pingEvery: number;
  signal?: AbortSignal;
  clock?: Clock;
}

/** An open connection. It never reconnects by itself. */
export interface WebSocketConnection {
  /** Sends text messages; resolves when the kernel has the last one. */
  send(messages: readonly string[]): Promise<void>;
  /**
   * Resolves when the far side has answered a ping: then its WebSocket implementation has read every message sent before, since it
   * must take frames in order (RFC 6455, 5.5.2). Rejects when the answer does not come.
   */
  ping(): Promise<void>;
  onMessage(fn: () => void): void;
  /** Says goodbye; resolves when the far side has answered, or the connection is gone. */
  end(): Promise<void>;
  destroy(why?: SocketFailure): void;
  /** Resolves when it is over, with the reason; undefined after {@link end}. */
  readonly closed: Promise<SocketFailure | undefined>;
}

/** A far side that has said goodbye, or to whom we have, gets so many milliseconds to hang up. */
const closeTimeout = 2000;

/** Close codes in words (RFC 6455, 7.4.1). */
const closeCodes: Readonly<Record<number, string>> = {
  1000: 'closed by the far side',
  1001: 'the far side goes away',
  1002: 'the far side complains about the protocol',
  1003: 'the far side takes no text messages',
  1005: 'closed by the far side',
  1006: 'connection lost',
  1007: 'the far side finds a message invalid',
  1008: 'the far side finds a message against its rules',
  1009: 'a message is too long for the far side',
  1011: 'error of the far side',
  1012: 'the far side restarts',
  1013: 'the far side is overloaded',
};

const closeFailure = (code: number): SocketFailure =>
  new SocketFailure(code === 1009 ? 'tooLarge' : 'closed', closeCodes[code] ?? `closed by the far side (${code})`, {
    code,
  });

/** What a server that doesn't want a WebSocket answers. */
function refusal(status: number): SocketFailure {
  const refused = status === 401 || status === 403 || status === 407;
  return new SocketFailure(refused ? 'refused' : 'protocol', `answered HTTP ${status} instead of a WebSocket`, {
    code: status,
  });
}

/** Connects. `ws` is loaded by the first call. Rejects with {@link SocketFailure} and nothing else. */
export async function connectWebSocket(options: WebSocketOptions): Promise<WebSocketConnection> {
  const { url, headers, protocols = [], tls, timeoutMs, signal, clock = systemClock } = options;
  if (signal?.aborted) throw new SocketFailure('aborted', 'given up');
  const { WebSocket } = await import('ws');
  const socket = new WebSocket(url, [...protocols], {
    headers: { ...headers },
    perMessageDeflate: false,
    // Its types don't know it yet.
    ...({ closeTimeout } as object),
    ...tlsSettings(tls ?? {}),
  });
  let failure: SocketFailure | undefined;
  let ending = false;
  socket.on('unexpected-response', (_request, response) => {
    failure ??= refusal(response.statusCode ?? 0);
    response.destroy();
    socket.terminate();
  });
  socket.on('error', (error) => {
    failure ??= explainSocket(error);
  });
  const closed = new Promise<SocketFailure | undefined>((resolve) => {
    socket.once('close', (code: number) => resolve(ending ? undefined : (failure ?? closeFailure(code))));
  });
  const giveUp = (why: SocketFailure): void => {
    failure ??= why;
    socket.terminate();
  };
  const onAbort = (): void => giveUp(new SocketFailure('aborted', 'given up'));
  // It may have aborted while what this needs was loaded.
  if (signal?.aborted) onAbort();
  signal?.addEventListener('abort', onAbort, { once: true });
  const cancel = clock.after(timeoutMs, () => giveUp(new SocketFailure('timeout', 'no connection in time')));
  try {
    await Promise.race([
      new Promise<void>((resolve) => socket.once('open', () => resolve())),
      closed.then((why) => {
        throw why ?? new SocketFailure('closed', 'closed by the far side');
      }),
    ]);
  } finally {
    cancel();
    signal?.removeEventListener('abort', onAbort);
  }
  const ping = pinger(socket, closed, giveUp, options, clock);
  const stop = keepAlive(ping, clock, options.pingEvery);
  void closed.then(stop);
  return {
    closed,
    ping,
    send: (messages) =>
      new Promise((resolve, reject) => {
        const last = messages.length - 1;
        for (const [index, message] of messages.entries()) {
          socket.send(message, (error) => {
            if (error) reject(failure ?? explainSocket(error));
            else if (index === last) resolve();
          });
        }
        if (last < 0) resolve();
      }),
    onMessage: (fn) => void socket.on('message', fn),
    async end() {
      ending = true;
      socket.close(1000);
      const give = clock.after(timeoutMs, () => socket.terminate());
      await closed;
      give();
    },
    destroy: (why) => giveUp(why ?? new SocketFailure('aborted', 'given up')),
  };
}

/** Pings with a number each, so that an answer tells which one it is to. */
function pinger(
  socket: WebSocket,
  closed: Promise<SocketFailure | undefined>,
  giveUp: (why: SocketFailure) => void,
  { timeoutMs }: WebSocketOptions,
  clock: Clock,
): () => Promise<void> {
  const waiting = new Map<number, { resolve(): void; reject(why: Error): void; cancel(): void }>();
  let sent = 0;
  let over: SocketFailure | undefined;
  void closed.then((why) => {
    over = why ?? new SocketFailure('closed', 'the connection was ended');
    for (const { reject, cancel } of waiting.values()) {
      cancel();
      reject(over);
    }
    waiting.clear();
  });
  socket.on('pong', (data: Buffer) => {
    const answered = Number(data.toString('latin1'));
    if (!Number.isInteger(answered)) return;
    // An answer to a later ping stands for the earlier ones (RFC 6455, 5.5.3).
    for (const [number, { resolve, cancel }] of waiting) {
      if (number > answered) break;
      waiting.delete(number);
      cancel();
      resolve();
    }
  });
  return () =>
    new Promise((resolve, reject) => {
      if (over) return reject(over);
      const number = ++sent;
      const cancel = clock.after(timeoutMs, () => giveUp(new SocketFailure('timeout', 'a ping was not answered')));
      waiting.set(number, { resolve, reject, cancel });
      socket.ping(String(number), undefined, () => {});
    });
}

/** A connection on which nothing goes is asked now and then whether it is there. */
function keepAlive(ping: () => Promise<void>, clock: Clock, every: number): () => void {
  let cancel = (): void => {};
  const plan = (): void => {
    cancel = clock.after(every, () => {
      ping().then(plan, () => {});
    });
  };
  plan();
  return () => cancel();
}
