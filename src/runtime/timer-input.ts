import type { VoltRecord } from '../records/record.ts';
import type { Clock } from './clock.ts';
import type { TimerEvent, Timers } from './timers.ts';

const ownTime = ({ time }: VoltRecord): number => Date.parse(time ?? '');

/** Merges records with timers of wall time and of record time. One record is read ahead at most. */
export function createTimers(input: AsyncIterable<VoltRecord>, clock: Clock): Timers {
  const wallTimers = new Map<string, () => void>();
  const recordTimers = new Map<string, { at: number; told: (record: VoltRecord) => number }>();
  const due: string[] = [];
  let wake: (() => void) | undefined;

  const clear = (name: string): void => {
    wallTimers.get(name)?.();
    wallTimers.delete(name);
    recordTimers.delete(name);
    const index = due.indexOf(name);
    if (index >= 0) due.splice(index, 1);
  };

  /** The record timer that a record sets off first. */
  const overtaken = (record: VoltRecord): string | undefined => {
    let first: { name: string; at: number } | undefined;
    for (const [name, { at, told }] of recordTimers) {
      if (at <= told(record) && (first === undefined || at < first.at)) first = { name, at };
    }
    return first?.name;
  };

  async function* events(): AsyncGenerator<TimerEvent, void, void> {
    const iterator = input[Symbol.asyncIterator]();
    let reading = false;
    let step: IteratorResult<VoltRecord> | undefined;
    let failure: { error: unknown } | undefined;
    const ring = (): void => {
      wake?.();
      wake = undefined;
    };
    const readAhead = (): void => {
      if (reading) return;
      reading = true;
      iterator.next().then(
        (result) => {
          step = result;
          ring();
        },
        (error: unknown) => {
          failure = { error };
          ring();
        },
      );
    };
    try {
      for (;;) {
        const timer = due.shift();
        if (timer !== undefined) {
          yield { timer };
          continue;
        }
        if (failure) throw failure.error;
        if (step) {
          if (step.done) return;
          const record = step.value;
          const name = overtaken(record);
          if (name !== undefined) {
            recordTimers.delete(name);
            yield { timer: name };
            continue;
          }
          step = undefined;
          reading = false;
          yield { record };
          continue;
        }
        readAhead();
        if (step || failure || due.length > 0) continue;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      // Nobody listens any longer; the names stay, for pending().
      for (const stop of wallTimers.values()) stop();
      // A read in flight ends with its source; waiting for it here could wait for ever.
      void iterator.return?.();
    }
  }

  return {
    wall(name, ms) {
      clear(name);
      const cancel = clock.after(ms, () => {
        wallTimers.delete(name);
        due.push(name);
        wake?.();
        wake = undefined;
      });
      wallTimers.set(name, cancel);
    },
    record(name, at, told = ownTime) {
      clear(name);
      recordTimers.set(name, { at, told });
    },
    cancel: clear,
    pending: () => [...wallTimers.keys(), ...recordTimers.keys(), ...due],
    [Symbol.asyncIterator]: events,
  };
}
