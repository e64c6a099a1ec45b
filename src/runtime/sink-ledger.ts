/** A sink's account of its input, for {@link Context.delivered}. */
export interface SinkLedger {
  /** The sink has been given the `taken`-th input. */
  gave(taken: number): void;
  /** The first `n` of those that it has been given and not yet called delivered are safe now. */
  delivered(n: number, taken: number): void;
  /** All `taken` inputs have been looked at: those that it does not read are safe when those before them are. */
  idle(taken: number): void;
}

/** @param report gets the count of inputs, in order, that are safe; only when it has grown */
export function createSinkLedger(report: (count: number) => void): SinkLedger {
  const open: number[] = [];
  let reported = 0;
  const tell = (taken: number): void => {
    const safe = open.length > 0 ? open[0]! - 1 : taken;
    if (safe > reported) report(safe);
    reported = safe;
  };
  return {
    gave: (taken) => void open.push(taken),
    delivered(n, taken) {
      open.splice(0, n);
      tell(taken);
    },
    idle(taken) {
      if (open.length === 0) tell(taken);
    },
  };
}
