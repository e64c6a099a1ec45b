/**
 * Follows which inputs of a stage are safe, so that acknowledgement travels from the sink up to the source.
 *
 * Each output carries the number of the last input that the stage had read. An input is safe when every output made from it is;
 * one that made none is safe at once, or, in a stage that keeps state, after the save that covers it.
 */
export interface Tracker {
  /** The stage has taken its next input. */
  read(): void;
  /** The stage is done with all inputs it has taken: it asks for more, or has ended. */
  idle(): void;
  /** The stage has put out one item. */
  wrote(): void;
  /** The first `count` outputs are safe. */
  delivered(count: number): void;
  /** All outputs are safe. */
  readonly isSettled: boolean;
  /** From now on inputs count only when {@link Tracker.saved} says so. */
  hold(): void;
  /** A snapshot that covers the first `count` inputs is on disk. */
  saved(count: number): void;
}

/** @param report gets the count of inputs, in order, that are safe; only when it has grown */
export function createTracker(report: (count: number) => void): Tracker {
  let taken = 0;
  let complete = 0;
  let held = Number.POSITIVE_INFINITY;
  let reported = 0;
  let done = 0;
  const origins: number[] = [];
  let head = 0;

  const tell = (): void => {
    const oldest = origins[head];
    const safe = Math.min(oldest === undefined ? complete : oldest - 1, complete, held);
    if (safe > reported) {
      reported = safe;
      report(safe);
    }
  };

  return {
    read() {
      complete = taken;
      taken++;
    },
    idle() {
      complete = taken;
      tell();
    },
    wrote() {
      origins.push(taken);
    },
    delivered(count) {
      head += count - done;
      done = count;
      if (head > 4096 && head * 2 > origins.length) {
        origins.splice(0, head);
        head = 0;
      }
      tell();
    },
    get isSettled() {
      return head === origins.length;
    },
    hold() {
      if (held === Number.POSITIVE_INFINITY) held = reported;
    },
    saved(count) {
      if (held === Number.POSITIVE_INFINITY) return;
      held = Math.max(held, count);
      tell();
    },
  };
}
