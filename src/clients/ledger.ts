/** Counts inputs as safe in their order, in whatever order they become so. */
export interface Ledger {
  /** A further input was read, or so many that go together. Returns its ordinal, or that of them all. */
  open(covers?: number): number;
  /** These inputs are safe. */
  close(ordinals: readonly number[]): void;
}

/** @param report told how many further inputs, in order, are safe */
export function createLedger(report: (n: number) => void): Ledger {
  const closed = new Set<number>();
  /** What stands for more than one input, or none. */
  const several = new Map<number, number>();
  let opened = 0;
  let next = 0;
  let safe = 0;

  const advance = (): void => {
    safe += several.get(next) ?? 1;
    several.delete(next);
    next++;
  };

  return {
    open(covers = 1) {
      if (covers !== 1) several.set(opened, covers);
      return opened++;
    },
    close(ordinals) {
      // Nearly always they come in their order: nothing needs to be remembered then.
      for (const ordinal of ordinals) {
        if (ordinal === next) advance();
        else closed.add(ordinal);
      }
      while (closed.delete(next)) advance();
      const more = safe;
      safe = 0;
      if (more > 0) report(more);
    },
  };
}
