import type { Clock } from './clock.ts';
import { watchFiles } from './watch.ts';

/** SIGHUPs that come together count as one. */
const quiet = 250;

/**
 * Calls `reload` on SIGHUP and when one of `files` changed (or was replaced by rename). Watching starts with the first listener.
 */
export function createReloader(
  files: readonly string[],
  clock: Clock,
  reload: () => void,
): { start(): void; close(): void } {
  let stopWatching: (() => void) | undefined;
  let cancel: (() => void) | undefined;
  const soon = (): void => {
    cancel?.();
    cancel = clock.after(quiet, reload, { idle: true });
  };
  return {
    start() {
      if (stopWatching) return;
      process.on('SIGHUP', soon);
      stopWatching = watchFiles(files, clock, reload);
    },
    close() {
      cancel?.();
      process.removeListener('SIGHUP', soon);
      stopWatching?.();
    },
  };
}
