/** A place where only so many can be at work at a time. */
export interface Lane {
  /** Runs `work` when its turn has come, first come first served. Rejects with the signal's reason when it aborts while it waits. */
  use<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>;
  /** Changes how many may be at work; those who are go on. */
  resize(width: number): void;
  /** At work and waiting. */
  readonly size: number;
}

/** Makes a lane for `width` at a time. */
export function createLane(width: number): Lane {
  const waiting: { start: () => void; signal: AbortSignal }[] = [];
  let open = width;
  let busy = 0;

  const next = (): void => {
    while (busy < open && waiting.length > 0) {
      busy++;
      waiting.shift()!.start();
    }
  };

  const turn = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const leave = (): void => {
        const index = waiting.indexOf(entry);
        if (index >= 0) waiting.splice(index, 1);
        reject(signal.reason);
      };
      const entry = {
        signal,
        start() {
          signal.removeEventListener('abort', leave);
          resolve();
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      waiting.push(entry);
      next();
    });

  return {
    async use(work, signal) {
      await turn(signal);
      try {
        return await work();
      } finally {
        busy--;
        next();
      }
    },
    resize(to) {
      open = to;
      next();
    },
    get size() {
      return busy + waiting.length;
    },
  };
}
