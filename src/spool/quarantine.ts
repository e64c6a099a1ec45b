import { createHash } from 'node:crypto';
import { closeSync, existsSync, lstatSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { leaveFolderToOwner, leaveToOwner } from '../runtime/owner.ts';
import type { Disk } from './disk.ts';

/** So many pieces are kept. */
const most = 1000;

/** The folder in which damaged pieces of a spool are kept, each as it was found. */
export const quarantineFolder = (folder: string): string => join(folder, 'quarantine');

/**
 * Keeps a damaged piece for whoever wants to look at it. The name says where it was; the same piece is kept once. Best effort: a
 * disk that takes no more must not stop the records that are whole, and one that fails for good shall not be filled with what it damaged.
 *
 * @param where the file that it was in, and perhaps the position: `0000000000000001.log-4711`
 * @returns whether it is kept
 */
export function quarantine(disk: Disk, folder: string, where: string, bytes: Uint8Array): boolean {
  const sum = createHash('sha256').update(bytes).digest('hex').slice(0, 8);
  const path = join(quarantineFolder(folder), `${where}-${sum}`);
  try {
    const kept = quarantineFolder(folder);
    if (!existsSync(kept)) {
      disk.makeFolder(kept);
      leaveFolderToOwner(kept);
    }
    // A link may lead anywhere.
    if (!lstatSync(kept).isDirectory()) return false;
    if (existsSync(path)) return true;
    if (disk.entries(kept).length >= most) return false;
    keep(path, bytes);
    return true;
  } catch {
    // It stays where it is then, until its segment goes.
    return false;
  }
}

function keep(path: string, bytes: Uint8Array): void {
  const fd = openSync(path, 'wx', 0o600);
  try {
    leaveToOwner(fd, path);
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
  } finally {
    closeSync(fd);
  }
}
