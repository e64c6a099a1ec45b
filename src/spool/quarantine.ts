import { createHash } from 'node:crypto';
import { appendFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Disk } from './disk.ts';

/** The folder in which damaged pieces of a spool are kept, each as it was found. */
export const quarantineFolder = (folder: string): string => join(folder, 'quarantine');

/**
 * Keeps a damaged piece for whoever wants to look at it. The name says where it was; the same piece is kept once. Best effort: a
 * disk that takes no more must not stop the records that are whole.
 *
 * @param where the file that it was in, and perhaps the position: `0000000000000001.log-4711`
 */
export function quarantine(disk: Disk, folder: string, where: string, bytes: Uint8Array): void {
  const sum = createHash('sha256').update(bytes).digest('hex').slice(0, 8);
  const path = join(quarantineFolder(folder), `${where}-${sum}`);
  try {
    disk.makeFolder(quarantineFolder(folder));
    if (!existsSync(path)) appendFileSync(path, bytes, { mode: 0o600 });
  } catch {
    // It stays where it is then, until its segment goes.
  }
}
