import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a folder and those above it that are missing, each for its owner alone; one that is there stays as it is. Not Node's own
 * `recursive`, which never returns where the system answers ENOENT though the folder above is there: /proc, some automounts.
 *
 * @throws the error of the system
 */
export function makeFolder(path: string): void {
  const missing = attempt(path);
  if (!missing) return;
  const above = dirname(path);
  if (above !== path && !existsSync(above)) makeFolder(above);
  // Somebody else may have made what is above just now: only the second answer counts.
  const still = attempt(path);
  if (still) throw still;
}

/** Returns the error that something above is missing; throws every other one. */
function attempt(path: string): Error | undefined {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return error as Error;
    // One that was there a moment ago and is gone again was none in the way.
    if (code !== 'EEXIST' || statSync(path, { throwIfNoEntry: false })?.isDirectory() === false) throw error;
  }
  return undefined;
}
