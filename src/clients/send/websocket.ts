import { explainSocket, SocketFailure } from '../../transports/socket-failure.ts';
import { connectWebSocket, type WebSocketConnection } from '../../transports/websocket/client.ts';
import { type Confirmations, createConfirmations } from './confirmations.ts';
import { frames } from './frames.ts';
import { httpHeaders } from './headers.ts';
import { type Arrived, type Link, LinkDown, type Session, type Verdict, verdictOf } from './link.ts';
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
  const answers = opts.confirm === 'line' ? answersOn(connection, opts.readTimeout, clock) : undefined;
  let ending = false;

  const failed = (error: unknown): Verdict => verdictOf(explainSocket(error));

  /** A ping behind the messages: its answer says that the far side's WebSocket has read them. */
  const pinged = async (messages: readonly string[]): Promise<Verdict> => {
    try {
      await connection.send(messages);
      await connection.ping();
      return { kind: 'delivered', status: 'read' };
    } catch (error) {
      return failed(error);
    }
  };

  const answered = (proof: Confirmations, messages: readonly string[], arrived: Arrived): Promise<Verdict> => {
    const verdict = proof.expect(messages.length, 0, arrived);
    Promise.resolve(proof.ready)
      .then(() => connection.send(messages))
      .catch((error: unknown) => proof.fail(failed(error)));
    return verdict;
  };

  return {
    lost: connection.closed.then((why) => (ending || !why ? new Promise<string>(() => {}) : why.message)),
    deliver({ payloads }, arrived) {
      const messages = payloads.map((payload) => frame.bytes([payload]).toString('utf8'));
      return answers ? answered(answers, messages, arrived) : pinged(messages);
    },
    async end() {
      ending = true;
      await connection.end();
      return undefined;
    },
    abandon: () => connection.destroy(),
  };
}

/** A message from the far side for each of ours. */
function answersOn(connection: WebSocketConnection, timeoutMs: number, clock: LinkSettings['clock']): Confirmations {
  const answers = createConfirmations(clock, timeoutMs, () =>
    connection.destroy(new SocketFailure('timeout', `no answer within ${timeoutMs / 1000} s`)),
  );
  connection.onMessage(() => answers.came(1));
  void connection.closed.then((why) =>
    answers.fail(verdictOf(why ?? new SocketFailure('closed', 'closed by the far side'))),
  );
  return answers;
}
