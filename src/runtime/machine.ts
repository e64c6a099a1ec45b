import { accessSync, constants, statSync } from 'node:fs';

/** The oldest Node that voltpipe runs on, as in package.json. */
export const oldestNode = [20, 19] as const;

/** The version of this Node, `20.20.2`. */
export function nodeVersion(): string {
  return process.versions.node;
}

/** A folder as this process finds it: its permissions, and whether files can be made in it. Undefined: it is not there. */
export function folderAccess(path: string): { mode: number; writable: boolean } | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) return undefined;
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return { mode: stat.mode & 0o777, writable: true };
  } catch {
    return { mode: stat.mode & 0o777, writable: false };
  }
}
