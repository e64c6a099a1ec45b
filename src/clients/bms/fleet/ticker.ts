import type { Clock } from '../../../runtime/clock.ts';

/** Something that is done at intervals. */
export interface Ticker {
  /** Another interval, counted from when it was done last. */
  change(interval: number): void;
  /** Resolves when the signal has aborted. */
  readonly done: Promise<void>;
}

/** Does `work` every `interval` milliseconds, the first time after one; 0: never. One at a time. Ends with the signal. */
export function startTicker(
  clock: Clock,
  signal: AbortSignal,
  interval: number,
  work: () => void | Promise<void>,
): Ticker {
  let every = interval;
  let wake = (): void => {};

  /** Waits until `due`; `false` when the interval was changed meanwhile. */
  function wait(due: number): Promise<boolean> {
    return new Promise((resolve) => {
      let cancel = (): void => {};
      const settle = (isDue: boolean): void => {
        cancel();
        signal.removeEventListener('abort', stop);
        resolve(isDue);
      };
      const stop = (): void => settle(false);
      wake = stop;
      signal.addEventListener('abort', stop, { once: true });
      if (every > 0) cancel = clock.after(Math.max(0, due - clock.monotonic()), () => settle(true));
    });
  }

  async function run(): Promise<void> {
    let last = clock.monotonic();
    while (!signal.aborted) {
      if (!(await wait(last + every))) continue;
      last = clock.monotonic();
      await work();
    }
  }

  return {
    change(next) {
      every = next;
      wake();
    },
    done: run(),
  };
}
