import { connect } from 'node:net';
import type { Clock } from '../../runtime/clock.ts';
import { fail } from '../../runtime/exit.ts';
import { type Link, LinkError, type LinkFailure } from '../link.ts';
import { explainSocket } from '../socket-failure.ts';
import type { SerialAddress } from './address.ts';

type TcpAddress = SerialAddress & { kind: 'tcp' };

/** What the codes of a socket mean of a serial server, where that is more than {@link explainSocket} says. */
const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the serial server hung up',
  EPIPE: 'the serial server hung up',
};

const connectWithin = 10_000;

/**
 * Connects to a serial server (raw TCP, as ser2net, an Elfin or an ESP32 bridge offers it).
 *
 * @throws exit status 69 when there is no connection
 */
export async function openTcp(
  address: TcpAddress,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<Link> {
  const socket = connect({ host: address.host, port: address.port, noDelay: true, keepAlive: true });
  let listener: (bytes: Buffer) => void = () => {};
  let failure: LinkFailure | undefined;
  let over: (why: LinkFailure | undefined) => void;
  const closed = new Promise<LinkFailure | undefined>((resolve) => {
    over = resolve;
  });
  let closing = false;
  let lastError: NodeJS.ErrnoException | undefined;
  socket.on('error', (error) => {
    lastError = error;
  });
  socket.on('data', (bytes: Buffer) => listener(bytes));
  socket.on('end', () => socket.destroy());
  socket.on('close', () => {
    failure = { kind: 'closed', reason: reasonOf(lastError) };
    over(closing ? undefined : failure);
  });

  const cancel = clock.after(connectWithin, () => socket.destroy(Object.assign(new Error(), { code: 'no answer' })));
  const stop = (): void => void socket.destroy(Object.assign(new Error(), { code: 'stopped' }));
  signal.addEventListener('abort', stop, { once: true });
  const connected = await Promise.race([
    new Promise<true>((resolve) => socket.once('connect', () => resolve(true))),
    closed.then(() => false),
  ]);
  cancel();
  signal.removeEventListener('abort', stop);
  if (signal.aborted) {
    socket.destroy();
    throw signal.reason;
  }
  if (!connected) {
    throw fail(
      'unavailable',
      `${address.name}: no connection: ${failure?.reason}`,
      'Is the serial server on, and the port right?',
    );
  }

  return {
    name: address.name,
    closed,
    onData(fn) {
      listener = fn;
    },
    async send(bytes) {
      if (failure) throw new LinkError(failure);
      await new Promise<void>((resolve, reject) => {
        socket.write(bytes, (error) =>
          error ? reject(new LinkError({ kind: 'closed', reason: reasonOf(error) })) : resolve(),
        );
      });
    },
    async close() {
      closing = true;
      socket.destroy();
      await closed;
    },
  };
}

const reasonOf = (error: NodeJS.ErrnoException | undefined): string =>
  error?.code === undefined ? 'the serial server hung up' : (reasons[error.code] ?? explainSocket(error).message);
