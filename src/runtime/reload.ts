import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Clock } from './clock.ts';

/** Editors write a file in several steps; what they leave after this time counts. */
const quiet = 250;

/**
 * Calls `reload` on SIGHUP and when one of `files` changed (or was replaced by rename). Watching starts with the first listener.
 */
export function createReloader(
  files: readonly string[],
  clock: Clock,
  reload: () => void,
): { start(): void; close(): void } {
  const watchers: FSWatcher[] = [];
  let cancel: (() => void) | undefined;
  let started = false;
  const soon = (): void => {
    cancel?.();
    cancel = clock.after(quiet, reload, { idle: true });
  };
  return {
    start() {
      if (started) return;
      started = true;
      process.on('SIGHUP', soon);
      for (const folder of new Set(files.map((file) => dirname(file)))) {
        const names = new Set(files.filter((file) => dirname(file) === folder).map((file) => basename(file)));
        try {
          const watcher = watch(folder, { persistent: false }, (_event, name) => {
            if (name !== null && names.has(name)) soon();
          });
          watcher.on('error', () => {});
          watchers.push(watcher);
        } catch {
          // A folder that can't be watched still reloads on SIGHUP.
        }
      }
    },
    close() {
      cancel?.();
      process.removeListener('SIGHUP', soon);
      for (const watcher of watchers) watcher.close();
    },
  };
}
