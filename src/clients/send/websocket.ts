import { explainSocket, SocketFailure } from '../../transports/socket-failure.ts';
import { connectWebSocket, type WebSocketConnection } from '../../transports/websocket/client.ts';
import { frames } from './frames.ts';
import { httpHeaders } from './headers.ts';
import { type Link, LinkDown, type Session, type Verdict, verdictOf } from './link.ts';
import type { LinkSettings } from './settings.ts';

const limits = { records: 500, bytes: 64 * 1024 };

/** `ws://…` and `wss://…`: one text message a record. */
export function webSocketLink(settings: LinkSettings): Link {
  const { target, opts, tls, clock } = settings;
  return {
    name: target.shown,
    window: 8,
    limits,
    keeps: true,
    async open(signal) {
      const connection = await connectWebSocket({
        url: target.url.href,
        headers: httpHeaders(settings),
        protocols: opts.subprotocol,
        tls,
        timeoutMs: opts.readTimeout,
        pingEvery: opts.ping,
        signal,
        clock,
      }).catch((error: unknown) => {
        throw new LinkDown(verdictOf(explainSocket(error)));
      });
      return session(connection, settings);
    },
  };
}

function session(connection: WebSocketConnection, { opts, clock }: LinkSettings): Session {
  const frame = frames[opts.frame ?? 'none'];
  const arrival = opts.confirm === 'line' ? answers(connection, opts.readTimeout, clock) : pongs(connection);
  let ending = false;
  return {
    lost: connection.closed.then((why) => (ending || !why ? new Promise<string>(() => {}) : why.message)),
    async deliver({ payloads }): Promise<Verdict> {
      const there = arrival(payloads.length);
      try {
        await connection.send(payloads.map((payload) => frame.bytes([payload]).toString('utf8')));
        return { kind: 'delivered', status: await there() };
      } catch (error) {
        return verdictOf(explainSocket(error));
      }
    },
    async end() {
      ending = true;
      await connection.end();
      return undefined;
    },
    abandon: () => connection.destroy(),
  };
}

/** Waits for what proves that so many more messages have arrived; asked for before they go, awaited behind them. */
type Arrival = (messages: number) => () => Promise<string>;

/** A ping behind the messages: its answer says that the far side's WebSocket has read them. */
const pongs =
  (connection: WebSocketConnection): Arrival =>
  () =>
  async () => {
    await connection.ping();
    return 'read';
  };

/** A message from the far side for each of ours. */
function answers(connection: WebSocketConnection, timeoutMs: number, clock: LinkSettings['clock']): Arrival {
  let sent = 0;
  let answered = 0;
  const waiting: { upTo: number; resolve(): void }[] = [];
  connection.onMessage(() => {
    answered++;
    while (waiting[0] && waiting[0].upTo <= answered) waiting.shift()!.resolve();
  });
  return (messages) => {
    sent += messages;
    const upTo = sent;
    const came = new Promise<void>((resolve) => waiting.push({ upTo, resolve }));
    return async () => {
      const cancel = clock.after(timeoutMs, () =>
        connection.destroy(new SocketFailure('timeout', `no answer within ${timeoutMs / 1000} s`)),
      );
      const over = connection.closed.then((why): never => {
        throw why ?? new SocketFailure('closed', 'closed by the far side');
      });
      await Promise.race([came, over]).finally(cancel);
      return 'confirmed';
    };
  };
}
