/**
 * The only source of time. Commands, clients, servers and simulators take their time from `ctx.clock`, so that tests let hours
 * pass in milliseconds.
 */
export interface Clock {
  /** Wall time in milliseconds since 1970, as `Date.now()`. */
  now(): number;
  /** Milliseconds that only grow, whatever happens to the wall clock. */
  monotonic(): number;
  /** Calls `fn` once after `ms`; the returned function cancels it. A timer alone never keeps the process alive when `idle`. */
  after(ms: number, fn: () => void, options?: { idle?: boolean }): () => void;
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Node refuses longer timers; a longer wait is made of several. */
const longestTimer = 2 ** 31 - 1;

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  // `performance` would load a module of Node's with its first use, for 2 ms.
  monotonic() {
    const [seconds, nanoseconds] = process.hrtime();
    return seconds * 1000 + nanoseconds / 1e6;
  },
  after(ms, fn, options) {
    let timer: NodeJS.Timeout;
    const arm = (left: number): void => {
      timer = setTimeout(() => (left > longestTimer ? arm(left - longestTimer) : fn()), Math.min(left, longestTimer));
      if (options?.idle) timer.unref();
    };
    arm(Math.max(0, ms));
    return () => clearTimeout(timer);
  },
  sleep(ms, signal) {
    return sleepOn(this, ms, signal);
  },
};

/** The sleep of every clock, made of its `after`. */
export function sleepOn(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = (): void => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** RFC 3339 in UTC with milliseconds, the form of every `time` in a record. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString();
}
