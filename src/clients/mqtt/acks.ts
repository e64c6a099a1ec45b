/**
 * Acknowledgements in the order of the messages, as MQTT wants them, however the records behind them are written.
 */
export interface Acks {
  /** A message came. `acknowledge` is called when `safe` has resolved and all before it are acknowledged; never when it rejects. */
  expect(safe: Promise<void> | undefined, acknowledge: (() => void) | undefined): void;
  /** The connection is over: what was not acknowledged never will be on it. */
  forget(): void;
  /** Resolves when nothing waits any longer for its acknowledgement. */
  idle(): Promise<void>;
  readonly open: number;
}

interface Entry {
  safe: boolean;
  acknowledge: (() => void) | undefined;
}

export function createAcks(): Acks {
  let entries: Entry[] = [];
  const wake: (() => void)[] = [];

  const drain = (): void => {
    let at = 0;
    for (; at < entries.length && entries[at]!.safe; at++) entries[at]!.acknowledge?.();
    if (at > 0) entries.splice(0, at);
    if (entries.length > 0) return;
    for (const one of wake.splice(0)) one();
  };

  return {
    get open() {
      return entries.length;
    },
    expect(safe, acknowledge) {
      const entry: Entry = { safe: safe === undefined, acknowledge };
      entries.push(entry);
      if (!safe) return drain();
      safe.then(
        () => {
          entry.safe = true;
          drain();
        },
        // It was dropped: the broker keeps it, and all behind it, for the next connection.
        () => {},
      );
    },
    forget() {
      entries = [];
      drain();
    },
    idle() {
      return new Promise((resolve) => {
        wake.push(resolve);
        drain();
      });
    },
  };
}
