/** Counts inputs as safe in their order, in whatever order they become so. */
export interface Ledger {
  /** A further input was read. Returns its ordinal. */
  open(): number;
  /** These inputs are safe. */
  close(ordinals: readonly number[]): void;
}

/** @param report told how many further inputs, in order, are safe */
export function createLedger(report: (n: number) => void): Ledger {
  const closed = new Set<number>();
  let opened = 0;
  let safe = 0;
  return {
    open: () => opened++,
    close(ordinals) {
      const before = safe;
      // Nearly always they come in their order: nothing needs to be remembered then.
      for (const ordinal of ordinals) {
        if (ordinal === safe) safe++;
        else closed.add(ordinal);
      }
      while (closed.delete(safe)) safe++;
      if (safe > before) report(safe - before);
    },
  };
}
