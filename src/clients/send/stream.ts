import type { Clock } from '../../runtime/clock.ts';
import { explainSocket, SocketFailure } from '../../transports/socket-failure.ts';
import { createAcknowledgements } from './acknowledgements.ts';
import { type Confirmations, createConfirmations } from './confirmations.ts';
import { type Session, verdictOf } from './link.ts';
import type { Proof } from './proof.ts';

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
  /** What goes before the first of them, looked at when that goes. */
  head(): string | undefined;
  /** A line from the far side for each record is what counts, not the kernel's word. */
  confirmed: boolean;
  /** Without progress for so long, while something is under way, the link counts as dead. */
  timeoutMs: number;
  /** What a delivery is called in receipts. */
  status: string;
  clock: Clock;
}

const newline = 0x0a;

/** Sends shipments down a stream, several at a time, and tells which of them have arrived. */
export function streamSession(options: StreamOptions): Session {
  const { stream, frame, timeoutMs, clock } = options;
  let written = 0;
  let begun = false;
  let over: SocketFailure | undefined;
  let ending = false;
  const proof = proofOf(options, () => ending);

  const fallen = (why: SocketFailure): void => {
    over ??= why;
    proof.fail(verdictOf(over));
  };

  const lost = stream.closed.then((why) => {
    const reason = why ?? new SocketFailure('closed', 'closed by the far side');
    fallen(reason);
    return reason.message;
  });

  /** What goes of records: the first ones have the head before them. */
  const bytesOf = (payloads: readonly string[]): Buffer => {
    const head = begun ? undefined : options.head();
    begun = true;
    return head === undefined ? frame(payloads) : Buffer.concat([frame([head]), frame(payloads)]);
  };

  const write = async (bytes: Buffer, end: number): Promise<void> => {
    if (proof.ready) await proof.ready;
    await stream.write(bytes);
    proof.handedOver(end);
  };

  return {
    lost: lost.then((reason) => (ending ? new Promise<string>(() => {}) : reason)),
    deliver({ payloads }, arrived) {
      if (over) return Promise.resolve(verdictOf(over));
      const bytes = bytesOf(payloads);
      written += bytes.length;
      const verdict = proof.expect(payloads.length, written, arrived);
      write(bytes, written).catch((error: unknown) => fallen(explainSocket(error)));
      return verdict;
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

function proofOf({ stream, confirmed, timeoutMs, status, clock }: StreamOptions, isEnding: () => boolean): Proof {
  const onSilence = (): void =>
    stream.destroy(new SocketFailure('timeout', `nothing arrives there for ${timeoutMs / 1000} s`));
  if (!confirmed) {
    const unacknowledged = (): Promise<number | undefined> => stream.unacknowledged();
    return createAcknowledgements({ clock, timeoutMs, unacknowledged, status, onSilence });
  }
  const answers: Confirmations = createConfirmations(clock, timeoutMs, onSilence);
  stream.onData((bytes) => {
    let lines = 0;
    for (const byte of bytes) if (byte === newline) lines++;
    if (lines > 0) answers.came(lines);
  });
  // Nobody is left who could confirm anything.
  stream.onEnd(() => {
    if (!isEnding()) stream.destroy(new SocketFailure('closed', 'closed by the far side'));
  });
  return answers;
}
