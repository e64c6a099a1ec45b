import { join } from 'node:path';
import type { Disk } from './disk.ts';

/** Names of files that were to take the place of another one, by the side that writes those. */
const names = {
  writer: /^\d{16}[-.].*\.\d+\.[a-z\d]+\.tmp$/,
  reader: /^cursor\.json\.\d+\.[a-z\d]+\.tmp$/,
} as const;

/** Removes what a `kill -9` in the midst of a replacement left. For who holds the lock of that side: nobody else writes them. */
export function removeLeftovers(disk: Disk, folder: string, side: keyof typeof names): void {
  for (const { name } of disk.entries(folder)) {
    if (!names[side].test(name)) continue;
    try {
      disk.remove(join(folder, name));
    } catch {
      // It takes a page, no more.
    }
  }
}
