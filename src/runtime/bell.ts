/** Lets any number of others wait for the next time that something happens. */
export interface Bell {
  ring(): void;
  /** Resolves when it rings next. */
  heard(): Promise<void>;
}

/** Makes a bell. */
export function createBell(): Bell {
  let wake = (): void => {};
  let next: Promise<void> | undefined;
  return {
    ring() {
      wake();
      next = undefined;
    },
    heard() {
      next ??= new Promise((resolve) => {
        wake = resolve;
      });
      return next;
    },
  };
}
