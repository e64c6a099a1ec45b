import { createBell } from '../../runtime/bell.ts';
import { createLedger } from '../ledger.ts';

/**
 * Acknowledgements of one connection in the order of the messages, as MQTT wants them, however the records behind them are written.
 */
export interface Acks {
  /** A message came. `acknowledge` is called when `safe` has resolved and all before it are acknowledged; never when it rejects. */
  expect(safe: Promise<void> | undefined, acknowledge: () => void): void;
  /** The connection is over: what was not acknowledged never will be on it. */
  forget(): void;
  /** Resolves when nothing waits any longer for its acknowledgement but the last `left` messages. */
  idle(left?: number): Promise<void>;
  readonly open: number;
}

export function createAcks(): Acks {
  const waiting: (() => void)[] = [];
  const bell = createBell();
  const ledger = createLedger((n) => {
    for (const acknowledge of waiting.splice(0, n)) acknowledge();
    bell.ring();
  });
  return {
    get open() {
      return waiting.length;
    },
    expect(safe, acknowledge) {
      waiting.push(acknowledge);
      const ordinal = ledger.open();
      const close = (): void => ledger.close([ordinal]);
      if (!safe) return close();
      // When it rejects, the record was dropped: the broker keeps it, and all behind it, for the next connection.
      safe.then(close, () => {});
    },
    forget() {
      waiting.length = 0;
      bell.ring();
    },
    async idle(left = 0) {
      while (waiting.length > left) await bell.heard();
    },
  };
}
