import type { Clock } from '../../runtime/clock.ts';
import type { Log } from '../../runtime/log.ts';
import type { Link, Verdict } from './link.ts';
import type { SendQueue } from './queue.ts';

/** What came of one shipment, or of a part of it, for a receipt and for counters. */
export interface Delivery {
  verdict: Verdict;
  count: number;
  latency: number;
}

/** What a courier is made of. */
export interface CourierOptions {
  link: Link;
  queue: SendQueue;
  clock: Clock;
  log: Log;
  /** How long it waits for more after the first record of a portion, in milliseconds. */
  linger: number;
  /** After the end of input a far side that takes nothing is tried that long. */
  retryFor: number;
  /** Ends all waiting. */
  deadline: AbortSignal;
  random?: () => number;
  onDelivery(delivery: Delivery): void;
  /** Keeps a record that is not wanted; it is settled when this resolves. Without it such records are given up. */
  setAside?: ((payload: string, reason: string) => Promise<void>) | undefined;
  /** These inputs need no more care. */
  onDone(ordinals: readonly number[]): void;
  onUp(): void;
  onDown(why: string): void;
}

/** How it ended. */
export interface CourierEnd {
  /** Records that were not delivered. */
  unsent: number;
  /** Why the last attempt failed, while there are such records. */
  why: string | undefined;
  /** Some records were rejected. */
  rejected: number;
  /** The far side has everything, but said something else in the end. */
  parting: string | undefined;
}

/** Brings what is in a queue to a far side: in order, again and again until it is taken. */
export interface Courier {
  /** There is something in the queue. */
  nudge(): void;
  /** Resolves when the queue has room. */
  room(): Promise<void>;
  /** From now on it waits neither for more records nor for the next attempt. */
  hurry(): void;
  /** No more comes. Resolves when all is sent, or nothing can be done. */
  finish(): void;
  /** Settles with the end; rejects when the far side refuses us for good. */
  readonly ended: Promise<CourierEnd>;
}
