import type { Clock } from '../../runtime/clock.ts';
import type { Sighting } from './messages.ts';

/** Who searches by one adapter. They share its scan: none of them ends it, or takes what is seen, for another. */
export interface Searches {
  /** Somebody searches. */
  readonly any: boolean;
  /** Begins a search; the returned function ends it. */
  begin(onSeen: (sighting: Sighting) => void, onLost?: (error: Error) => void): () => void;
  seen(sighting: Sighting): void;
  /** Nothing more will be seen; `false` when nobody wanted to know. */
  lost(error: Error): boolean;
  /** The adapter listens, or it doesn't: while it connects, or is being started anew. */
  listening(on: boolean): void;
  /** Resolves when it has listened for `ms` in all from now on; rejects with the signal's reason when that aborts. */
  listened(ms: number, signal: AbortSignal): Promise<void>;
}

/** Makes the account; nobody searches yet. */
export function createSearches(clock: Clock): Searches {
  const searches = new Set<{ onSeen(sighting: Sighting): void; onLost?: ((error: Error) => void) | undefined }>();
  const watches = new Set<(on: boolean) => void>();
  let isListening = false;
  return {
    get any() {
      return searches.size > 0;
    },
    begin(onSeen, onLost) {
      const search = { onSeen, onLost };
      searches.add(search);
      return () => void searches.delete(search);
    },
    seen(sighting) {
      for (const { onSeen } of searches) onSeen(sighting);
    },
    lost(error) {
      const told = [...searches].filter(({ onLost }) => onLost);
      for (const { onLost } of told) onLost?.(error);
      return told.length > 0;
    },
    listening(on) {
      if (on === isListening) return;
      isListening = on;
      for (const turn of watches) turn(on);
    },
    listened: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        let left = ms;
        let since = clock.monotonic();
        let cancel = (): void => {};
        const end = (): void => {
          cancel();
          watches.delete(turn);
          signal.removeEventListener('abort', stop);
        };
        const stop = (): void => {
          end();
          reject(signal.reason);
        };
        const over = (): void => {
          end();
          resolve();
        };
        const turn = (on: boolean): void => {
          cancel();
          if (!on) {
            left -= clock.monotonic() - since;
            return;
          }
          since = clock.monotonic();
          cancel = clock.after(Math.max(0, left), over);
        };
        signal.addEventListener('abort', stop, { once: true });
        watches.add(turn);
        if (isListening) turn(true);
      }),
  };
}
