import type { Clock } from '../../runtime/clock.ts';
import type { Arrived, Verdict } from './link.ts';
import type { Proof } from './proof.ts';

/** A far side that greets does so at once; what it says in that time confirms nothing. */
const greetingTime = 100;

/** An answer of the far side for each record is what proves its arrival. */
export interface Confirmations extends Proof {
  /** The far side has answered so often. */
  came(answers: number): void;
}

interface Flight {
  records: number;
  arrived: Arrived;
  resolve(verdict: Verdict): void;
}

/**
 * Counts answers, the first for the oldest record. One that comes while none is missing is no answer: it would confirm the next record
 * before it was sent.
 *
 * @param onSilence no answer came for `timeoutMs`, while one was missing
 */
export function createConfirmations(clock: Clock, timeoutMs: number, onSilence: () => void): Confirmations {
  const flights: Flight[] = [];
  let greeting = true;
  let cancel = (): void => {};

  const watch = (): void => {
    cancel();
    if (flights.length > 0) cancel = clock.after(timeoutMs, onSilence);
  };

  return {
    ready: clock.sleep(greetingTime).then(() => {
      greeting = false;
    }),
    expect(records, _end, arrived) {
      return new Promise((resolve) => {
        flights.push({ records, arrived, resolve });
        if (flights.length === 1) watch();
      });
    },
    came(answers) {
      if (greeting) return;
      let left = answers;
      for (let first = flights[0]; left > 0 && first; first = flights[0]) {
        const now = Math.min(left, first.records);
        left -= now;
        first.records -= now;
        if (first.records > 0) first.arrived(now, 'confirmed');
        else flights.shift()!.resolve({ kind: 'delivered', status: 'confirmed' });
      }
      watch();
    },
    handedOver() {},
    fail(verdict) {
      for (const { resolve } of flights.splice(0)) resolve(verdict);
      cancel();
    },
  };
}
