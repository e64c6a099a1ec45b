import type { Clock } from '../../runtime/clock.ts';

/** What a device does later, as long as it is connected. */
export interface ConnectionTimers {
  after(ms: number, fn: () => void): void;
  /** The connection is over: nothing more of it is done. */
  cancel(): void;
}

/** Timers that end with a connection; they serve the next one again. */
export function connectionTimers(clock: Pick<Clock, 'after'>): ConnectionTimers {
  const timers = new Set<() => void>();
  return {
    after(ms, fn) {
      const cancel = clock.after(ms, () => {
        timers.delete(cancel);
        fn();
      });
      timers.add(cancel);
    },
    cancel() {
      for (const cancel of timers) cancel();
      timers.clear();
    },
  };
}
