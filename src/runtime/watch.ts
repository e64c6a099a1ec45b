import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Clock } from './clock.ts';

/** Who writes a file does so in several steps; what is there after this time counts. */
const quiet = 250;

/**
 * Calls `changed` when one of `files` was written, made or replaced by rename, once for changes that come together. A file need not
 * be there yet, its folder must; a folder that can't be watched is left out in silence.
 *
 * @returns the function that ends it. Watching never keeps the process alive.
 */
export function watchFiles(files: readonly string[], clock: Clock, changed: () => void): () => void {
  const watchers: FSWatcher[] = [];
  let cancel: (() => void) | undefined;
  for (const folder of new Set(files.map((file) => dirname(file)))) {
    const names = new Set(files.filter((file) => dirname(file) === folder).map((file) => basename(file)));
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) => {
        if (name === null || !names.has(name)) return;
        cancel?.();
        cancel = clock.after(quiet, changed, { idle: true });
      });
      watcher.on('error', () => {});
      watchers.push(watcher);
    } catch {
      // Not there, or no watches left.
    }
  }
  return () => {
    cancel?.();
    for (const watcher of watchers) watcher.close();
  };
}
