import { statSync } from 'node:fs';
import type { Clock } from './clock.ts';
import { watchFiles } from './watch.ts';

/** SIGHUPs that come together count as one. */
const quiet = 250;

/** Setting a watch up costs a millisecond, which a run that is over before this time need not pay. */
const watchAfter = 1000;

/** Which file it is and when it was written last; empty while there is none that can be seen. */
function stateOf(file: string): string {
  try {
    const { ino, mtimeMs, size } = statSync(file);
    return `${ino} ${mtimeMs} ${size}`;
  } catch {
    return '';
  }
}

/**
 * Calls `reload` on SIGHUP and when one of `files` changed (or was replaced by rename). Watching starts with the first listener.
 */
export function createReloader(
  files: readonly string[],
  clock: Clock,
  reload: () => void,
): { start(): void; close(): void } {
  let started = false;
  let stopWatching: (() => void) | undefined;
  let cancelWatch: (() => void) | undefined;
  let cancel: (() => void) | undefined;
  const soon = (): void => {
    cancel?.();
    cancel = clock.after(quiet, reload, { idle: true });
  };
  return {
    start() {
      if (started) return;
      started = true;
      process.on('SIGHUP', soon);
      const before = files.map(stateOf);
      cancelWatch = clock.after(
        watchAfter,
        () => {
          stopWatching = watchFiles(files, clock, reload);
          if (files.some((file, i) => stateOf(file) !== before[i])) soon();
        },
        { idle: true },
      );
    },
    close() {
      cancel?.();
      cancelWatch?.();
      process.removeListener('SIGHUP', soon);
      stopWatching?.();
    },
  };
}
