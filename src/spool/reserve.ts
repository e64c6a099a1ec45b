import { join } from 'node:path';
import { codeOf } from '../runtime/system-error.ts';
import type { Disk } from './disk.ts';

/** Bytes that a spool keeps for itself: enough to note what is delivered, without which nothing can be removed. */
const reserveBytes = 16 * 1024;

/** Whether it was for want of room that something could not be written. */
export const isFull = (error: unknown): boolean => ['ENOSPC', 'EDQUOT'].includes(codeOf(error) ?? '');

/** Room on a full disk for the few bytes that make room for the rest. */
export interface Reserve {
  /** Runs `work`; when the disk is full, once more with the reserve given up for it. */
  use<T>(work: () => Promise<T>): Promise<T>;
  /** Fills the reserve again, if that is possible. */
  fill(): Promise<void>;
}

/** The reserve of a spool: a file in its folder. */
export function createReserve(disk: Disk, folder: string): Reserve {
  const path = join(folder, 'reserve');
  const isThere = (): boolean => disk.entries(folder).some(({ name, bytes }) => name === 'reserve' && bytes > 0);
  /** Half of it is of no use; what has its name and is no file is not ours. */
  const giveUp = (): void => {
    try {
      disk.remove(path);
    } catch {
      // Then the spool does without.
    }
  };
  return {
    async use(work) {
      try {
        return await work();
      } catch (error) {
        if (!isFull(error) || !isThere()) throw error;
        disk.remove(path);
        return await work();
      }
    },
    async fill() {
      try {
        if (isThere()) return;
        const fd = await disk.openToWrite(path);
        try {
          await disk.write(fd, Buffer.alloc(reserveBytes, '# room for the cursor on a full disk\n'), 0);
        } finally {
          await disk.close(fd);
        }
      } catch {
        giveUp();
      }
    },
  };
}
