/** The way in of a stage, which is closed for the moment of a save: what is saved and what is delivered then agree exactly. */
export interface Gate {
  /** Input may be taken; else {@link Gate.opened} resolves when it may. */
  isOpen(): boolean;
  opened(): Promise<void>;
  /** One more input is taken. */
  passed(): void;
  /** From now on no more than `most` inputs are taken between two stops. */
  limit(most: number): void;
  /** So many have been taken that a stop is due. */
  readonly isFull: boolean;
  /** The stage saves at stops alone. */
  readonly isUsed: boolean;
  /** Takes no more input, calls `fn` when all that the stage has put out is delivered, and goes on. */
  stop(fn: () => void): void;
  /** All that the stage has put out is delivered, or need not be for a save. */
  isAtRest(): boolean;
  /** Something was delivered, or the stage waits for input. */
  look(): void;
  /** Nobody reads on: opens for good, and stops that are under way don't come any more. */
  leave(): void;
}

/**
 * A gate that is open.
 *
 * @param matters whether what comes before keeps what was not delivered; else no stop waits for anything
 * @param isSettled whether the stage waits for input, and all that it has put out is delivered
 */
export function createGate(matters: () => boolean, isSettled: () => boolean): Gate {
  let stops: (() => void)[] = [];
  let most = Number.POSITIVE_INFINITY;
  let taken = 0;
  let left = false;
  let looking = false;
  let open: (() => void)[] = [];

  const isFull = (): boolean => taken >= most && matters();
  const isAtRest = (): boolean => !matters() || isSettled();

  const letIn = (): void => {
    const waiting = open;
    open = [];
    for (const go of waiting) go();
  };

  const come = (): void => {
    looking = false;
    if (left || !isAtRest()) return;
    const due = stops;
    stops = [];
    taken = 0;
    for (const fn of due) fn();
    letIn();
  };

  const look = (): void => {
    if (looking || left || stops.length === 0 || !isAtRest()) return;
    looking = true;
    // What the stage is about to put out has been put out by then.
    setImmediate(come);
  };

  return {
    isOpen: () => left || (stops.length === 0 && !isFull()),
    opened: () => new Promise((resolve) => open.push(resolve)),
    passed: () => void taken++,
    limit(count) {
      most = count;
    },
    get isFull() {
      return isFull();
    },
    get isUsed() {
      return most < Number.POSITIVE_INFINITY;
    },
    stop(fn) {
      stops.push(fn);
      look();
    },
    isAtRest,
    look,
    leave() {
      left = true;
      letIn();
    },
  };
}
