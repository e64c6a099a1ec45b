/** How waits grow. */
export interface BackoffOptions {
  /** First wait in milliseconds. */
  first: number;
  /** Longest wait in milliseconds. */
  cap: number;
  /** Each wait is the last one times this (default 2). */
  factor?: number;
  /** Share of a wait that is random, 0 to 1 (default 0.2), so that many clients don't come back together. */
  jitter?: number;
  /** Random number in [0, 1), for tests. */
  random?: () => number;
}

/** Waits that double to a cap, with jitter. */
export interface Backoff {
  /** The next wait in milliseconds. */
  next(): number;
  /** After a success: the next wait is the first again. */
  reset(): void;
  /** How many waits there were since the last success. */
  readonly attempts: number;
}

/** Makes a back-off; it holds no timer, the caller waits on its clock. */
export function createBackoff(options: BackoffOptions): Backoff {
  const { first, cap, factor = 2, jitter = 0.2, random = Math.random } = options;
  let attempts = 0;
  return {
    next() {
      const plain = Math.min(cap, first * factor ** attempts);
      attempts++;
      return Math.round(plain * (1 - jitter * random()));
    },
    reset() {
      attempts = 0;
    },
    get attempts() {
      return attempts;
    },
  };
}

/** What failed, and when it is tried again, for a message: `…: no such host; again in 2 s`. */
export const againIn = (what: string, wait: number): string => `${what}; again in ${Math.ceil(wait / 1000)} s`;
