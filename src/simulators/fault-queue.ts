/** Faults that wait for their turn. */
export interface FaultQueue<F> {
  /** Puts one behind the others. */
  add(fault: F): void;
  /** The first of them that `matches`, absent: of all; it is used up by one time. */
  take(matches?: (fault: F) => boolean): F | undefined;
  /** Takes out those that match, whatever was left of them. */
  remove(matches: (fault: F) => boolean): void;
  /** Those that wait, each with the times that are left. */
  list(): readonly F[];
}

/** Makes a queue of faults, each used as often as its `times` says (default 1). */
export function createFaultQueue<F extends { times?: number }>(first: readonly F[] = []): FaultQueue<F> {
  let faults = [...first];
  return {
    add: (fault) => void faults.push(fault),
    take(matches = () => true) {
      const at = faults.findIndex(matches);
      const fault = faults[at];
      if (!fault) return undefined;
      const left = (fault.times ?? 1) - 1;
      if (left > 0) faults[at] = { ...fault, times: left };
      else faults.splice(at, 1);
      return fault;
    },
    remove(matches) {
      faults = faults.filter((fault) => !matches(fault));
    },
    list: () => faults,
  };
}
