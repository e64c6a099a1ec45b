import type { Clock } from '../../runtime/clock.ts';
import { explainSocket, SocketFailure } from '../../transports/socket-failure.ts';
import { type Session, type Shipment, type Verdict, verdictOf } from './link.ts';

/** A stream of bytes to a far side, as this needs it: a TCP connection, a serial line. */
export interface ByteStream {
  /** Resolves when our kernel has the bytes. */
  write(bytes: Uint8Array): Promise<void>;
  /** Bytes that are known not to have arrived yet; undefined where nobody knows. */
  unacknowledged(): Promise<number | undefined>;
  onData(fn: (bytes: Buffer) => void): void;
  /** Calls `fn` when the far side will say nothing more. */
  onEnd(fn: () => void): void;
  /** Says that nothing more comes. */
  end(): void;
  destroy(why: SocketFailure): void;
  readonly closed: Promise<SocketFailure | undefined>;
}

/** What a stream session is made of. */
export interface StreamOptions {
  stream: ByteStream;
  /** Records as bytes. */
  frame(payloads: readonly string[]): Buffer;
  /** What goes before the first of them. */
  head: Buffer | undefined;
  /** A line from the far side for each record is what counts, not the kernel's word. */
  confirmed: boolean;
  /** Without progress for so long, while something is under way, the link counts as dead. */
  timeoutMs: number;
  /** What a delivery is called in receipts. */
  status: string;
  clock: Clock;
}

interface Flight {
  /** Bytes of the stream up to its end, and records up to its last one. */
  end: number;
  records: number;
  resolve(verdict: Verdict): void;
}

/** Pauses between two questions to the kernel: short after progress, longer while there is none. */
const askAfter = { first: 2, longest: 100 };

const newline = 0x0a;

/** Sends shipments down a stream, several at a time, and tells which of them have arrived. */
export function streamSession(options: StreamOptions): Session {
  const { stream, frame, confirmed, timeoutMs, status, clock } = options;
  const flights: Flight[] = [];
  let written = 0;
  let handedOver = 0;
  let records = 0;
  let confirmations = 0;
  let arrived = 0;
  let over: SocketFailure | undefined;
  let asking = false;
  let ending = false;
  let progressAt = clock.monotonic();

  const settle = (): void => {
    while (flights[0] && (confirmed ? flights[0].records <= confirmations : flights[0].end <= arrived)) {
      flights.shift()!.resolve({ kind: 'delivered', status: confirmed ? 'confirmed' : status });
      progressAt = clock.monotonic();
    }
  };

  const fallen = (why: SocketFailure): void => {
    over ??= why;
    for (const { resolve } of flights.splice(0)) resolve(verdictOf(over));
  };

  /** Asks the kernel until everything has arrived. */
  const ask = async (): Promise<void> => {
    if (asking) return;
    asking = true;
    let pause = askAfter.first;
    while (flights.length > 0 && !over) {
      const before = arrived;
      const reached = handedOver;
      const left = confirmed ? undefined : await stream.unacknowledged();
      arrived = Math.max(arrived, reached - (left ?? 0));
      if (arrived > before) {
        pause = askAfter.first;
        progressAt = clock.monotonic();
      }
      settle();
      if (flights.length === 0 || over) break;
      if (clock.monotonic() - progressAt >= timeoutMs) {
        stream.destroy(new SocketFailure('timeout', `nothing arrives there for ${timeoutMs / 1000} s`));
        break;
      }
      await clock.sleep(pause);
      pause = Math.min(askAfter.longest, pause * 2);
    }
    asking = false;
  };

  if (confirmed) {
    stream.onData((bytes) => {
      for (const byte of bytes) if (byte === newline) confirmations++;
      settle();
    });
    // Nobody is left who could confirm anything.
    stream.onEnd(() => {
      if (!ending) stream.destroy(new SocketFailure('closed', 'closed by the far side'));
    });
  }
  const lost = stream.closed.then((why) => {
    const reason = why ?? new SocketFailure('closed', 'closed by the far side');
    fallen(reason);
    return reason.message;
  });
  let head = options.head;

  return {
    lost: lost.then((reason) => (ending ? new Promise<string>(() => {}) : reason)),
    deliver({ payloads }: Shipment) {
      if (over) return Promise.resolve(verdictOf(over));
      const body = frame(payloads);
      const bytes = head ? Buffer.concat([head, body]) : body;
      head = undefined;
      if (flights.length === 0) progressAt = clock.monotonic();
      written += bytes.length;
      records += payloads.length;
      const end = written;
      return new Promise((resolve) => {
        flights.push({ end, records, resolve });
        stream.write(bytes).then(
          () => {
            handedOver = end;
          },
          (error: unknown) => fallen(explainSocket(error)),
        );
        void ask();
      });
    },
    async end() {
      ending = true;
      stream.end();
      let cancel = (): void => {};
      const patience = new Promise<undefined>((resolve) => {
        cancel = clock.after(timeoutMs, () => resolve(undefined));
      });
      const why = await Promise.race([stream.closed, patience]);
      cancel();
      stream.destroy(new SocketFailure('aborted', 'given up'));
      return why && `${why.message} before it had said that it has read everything`;
    },
    abandon: () => stream.destroy(new SocketFailure('aborted', 'given up')),
  };
}
