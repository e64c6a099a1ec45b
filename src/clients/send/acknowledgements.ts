import type { Clock } from '../../runtime/clock.ts';
import type { Verdict } from './link.ts';
import type { Proof } from './proof.ts';

/** What acknowledgements are made from. */
interface AcknowledgementOptions {
  clock: Clock;
  /** Without progress for so long, while something is under way, the link counts as dead. */
  timeoutMs: number;
  /** Bytes that are known not to have arrived yet; undefined where nobody knows. */
  unacknowledged(): Promise<number | undefined>;
  /** What a delivery is called in receipts. */
  status: string;
  onSilence(): void;
}

interface Flight {
  /** Bytes of the stream up to its end. */
  end: number;
  resolve(verdict: Verdict): void;
}

/** Pauses between two questions to the kernel: short after progress, longer while there is none. */
const askAfter = { first: 2, longest: 100 };

/** The word of the far side's kernel, asked of ours, is what proves that bytes have arrived. */
export function createAcknowledgements(options: AcknowledgementOptions): Proof {
  const { clock, timeoutMs, unacknowledged, status, onSilence } = options;
  const flights: Flight[] = [];
  let handedOver = 0;
  let arrived = 0;
  let asking = false;
  let progressAt = clock.monotonic();

  const settle = (): void => {
    while (flights[0] && flights[0].end <= arrived) flights.shift()!.resolve({ kind: 'delivered', status });
  };

  /** Asks the kernel until everything has arrived. */
  const ask = async (): Promise<void> => {
    if (asking) return;
    asking = true;
    let pause = askAfter.first;
    while (flights.length > 0) {
      const before = arrived;
      const reached = handedOver;
      arrived = Math.max(arrived, reached - ((await unacknowledged()) ?? 0));
      if (arrived > before) {
        pause = askAfter.first;
        progressAt = clock.monotonic();
      }
      settle();
      if (flights.length === 0) break;
      if (clock.monotonic() - progressAt >= timeoutMs) {
        onSilence();
        break;
      }
      await clock.sleep(pause);
      pause = Math.min(askAfter.longest, pause * 2);
    }
    asking = false;
  };

  return {
    expect(_records, end) {
      if (flights.length === 0) progressAt = clock.monotonic();
      return new Promise((resolve) => {
        flights.push({ end, resolve });
        void ask();
      });
    },
    handedOver(end) {
      handedOver = end;
    },
    fail(verdict) {
      for (const { resolve } of flights.splice(0)) resolve(verdict);
    },
  };
}
