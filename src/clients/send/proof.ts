import type { Arrived, Verdict } from './link.ts';

/** What proves that records have arrived. Shipments are proven in the order in which they were announced. */
export interface Proof {
  /** Nothing is to be sent before. */
  readonly ready?: Promise<void>;
  /**
   * A shipment is about to go: so many records, up to this byte of the stream. Resolves when the last of them has arrived, or to why it
   * has not; those that have arrived before the others are told of.
   */
  expect(records: number, end: number, arrived: Arrived): Promise<Verdict>;
  /** Our kernel has the bytes up to here. */
  handedOver(end: number): void;
  /** Nothing more can be proven. */
  fail(verdict: Verdict): void;
}
