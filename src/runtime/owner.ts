import { fchownSync, lchownSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/*
 * Whoever works as root in the folder of another user, such as a spool, leaves what he makes there to that one, who could not go on with it
 * else. Only what he has just made: the user may have put a link there that leads to something of root's.
 */

/** Whether this process may do everything. */
export const isRoot = (): boolean => process.getuid?.() === 0;

/** Who shall have the files of a folder; undefined: not root, so they are ours anyway. */
export function ownerForRoot(folder: string): { uid: number; gid: number } | undefined {
  return isRoot() ? statSync(folder) : undefined;
}

/** Runs `give` with the owner of a folder, as root. Best effort: not every root may give files away. */
function give(folder: string, to: (uid: number, gid: number) => void): void {
  const owner = ownerForRoot(folder);
  if (!owner) return;
  try {
    to(owner.uid, owner.gid);
  } catch {
    // It stays root's: said when its user meets it.
  }
}

/** Leaves a file that was just made, and is open, to the owner of its folder. */
export const leaveToOwner = (fd: number, path: string): void =>
  give(dirname(path), (uid, gid) => fchownSync(fd, uid, gid));

/** Leaves a folder to the owner of the one that it is in. */
export const leaveFolderToOwner = (path: string): void => give(dirname(path), (uid, gid) => lchownSync(path, uid, gid));
