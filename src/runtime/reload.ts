import { statSync } from 'node:fs';
import type { Clock } from './clock.ts';
import { watchFiles } from './watch.ts';

/** Wishes that come together count as one. */
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

/** Takes up what changed in the configuration. */
export interface Reloader {
  /** Starts to watch the files: there is somebody who listens. */
  start(): void;
  readonly started: boolean;
  /** Reloads in a moment, whether a file changed or not. */
  soon(): void;
  close(): void;
}

/** Calls `reload` when it is asked for and when one of `files` changed (or was replaced by rename). */
export function createReloader(files: readonly string[], clock: Clock, reload: () => void): Reloader {
  let started = false;
  let stopWatching: (() => void) | undefined;
  let cancelWatch: (() => void) | undefined;
  let cancel: (() => void) | undefined;
  const soon = (): void => {
    cancel?.();
    cancel = clock.after(quiet, reload, { idle: true });
  };
  return {
    get started() {
      return started;
    },
    soon,
    start() {
      if (started) return;
      started = true;
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
      stopWatching?.();
    },
  };
}
