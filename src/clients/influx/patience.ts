import type { Clock } from '../../runtime/clock.ts';

/** The wait for what is left after the end of input. */
export interface Patience {
  /** Resolves when nothing is left, at the deadline, or when nothing has moved for too long. */
  readonly over: Promise<void>;
  /** So many are left. */
  left(count: number): void;
  /** Ends the wait. */
  end(): void;
}

/** @param ms how long nothing may move */
export function createPatience(clock: Clock, ms: number, deadline: AbortSignal): Patience {
  let end = (): void => {};
  let arm = (): void => {};
  let last: number | undefined;
  const over = new Promise<void>((resolve) => {
    let cancel = (): void => {};
    arm = () => {
      cancel();
      cancel = clock.after(ms, resolve);
    };
    end = () => {
      arm = () => {};
      cancel();
      deadline.removeEventListener('abort', end);
      resolve();
    };
  });
  deadline.addEventListener('abort', end);
  if (deadline.aborted) end();
  return {
    over,
    left(count) {
      if (count === 0) end();
      else if (count !== last) arm();
      last = count;
    },
    end,
  };
}
