import type { Clock } from '../../runtime/clock.ts';
import type { Portion, SendQueue } from './queue.ts';

/** Decides when a portion goes. */
export interface Loader {
  /** Something was put into the queue. */
  nudge(): void;
  /** The next portion, if it is time for one. */
  take(): Portion | undefined;
  /** From now on nothing waits for company. */
  hurry(): void;
}

/** What a loader is made of. */
interface LoaderOptions {
  queue: SendQueue;
  clock: Clock;
  /** How long the first record of a portion waits for others, in milliseconds. */
  linger: number;
  /** The longest portion at the moment. */
  limits(): { records: number; bytes: number };
  /** A portion may be due. */
  onDue(): void;
  /** The queue has become shorter. */
  onTaken(): void;
}

/** What comes with one read goes together; with `linger`, what comes in that time, or until a portion is full. */
export function createLoader({ queue, clock, linger, limits, onDue, onTaken }: LoaderOptions): Loader {
  let due = false;
  let hurried = false;
  let nudged = false;
  let cancel: (() => void) | undefined;

  const wait = (): void => {
    if (linger === 0 || cancel || queue.size === 0) return;
    cancel = clock.after(linger, () => {
      cancel = undefined;
      due = true;
      onDue();
    });
  };

  const isReady = (): boolean => {
    if (queue.size === 0) return false;
    const { records, bytes } = limits();
    return linger === 0 || due || hurried || queue.size >= records || queue.bytes >= bytes;
  };

  return {
    nudge() {
      if (nudged) return;
      nudged = true;
      setImmediate(() => {
        nudged = false;
        wait();
        onDue();
      });
    },
    take() {
      if (!isReady()) return undefined;
      due = false;
      cancel?.();
      cancel = undefined;
      const portion = queue.take(limits());
      onTaken();
      wait();
      return portion;
    },
    hurry() {
      hurried = true;
      onDue();
    },
  };
}
