/** Wakes everybody who waits for something to happen. */
export interface Bell {
  ring(): void;
  /** Resolves with the next ring. One that came while nobody waited counts. */
  next(): Promise<void>;
}

/** Makes a bell. */
export function createBell(): Bell {
  let rung = false;
  const waiting: (() => void)[] = [];
  return {
    ring() {
      rung = waiting.length === 0;
      for (const wake of waiting.splice(0)) wake();
    },
    next() {
      if (rung) {
        rung = false;
        return Promise.resolve();
      }
      return new Promise((resolve) => {
        waiting.push(resolve);
      });
    },
  };
}
