import type { Batch } from './batch.ts';

/** Tells how many inputs are done with, in order, whatever the order in which batches are. */
export interface Acknowledgement {
  /** A further batch, in order. */
  open(batch: Batch): void;
  /** Nothing more is to be done for it. */
  done(batch: Batch): void;
}

/** @param report gets the number of further inputs that are done with */
export function createAcknowledgement(report: (n: number) => void): Acknowledgement {
  const open: Batch[] = [];
  return {
    open: (batch) => void open.push(batch),
    done(batch) {
      batch.done = true;
      let safe = 0;
      while (open[0]?.done) safe += open.shift()!.covers;
      if (safe > 0) report(safe);
    },
  };
}
