import { join } from 'node:path';
import { takeLock } from '../runtime/lock.ts';
import { leaveFolderToOwner } from '../runtime/owner.ts';
import type { Disk } from './disk.ts';
import { createReserve } from './reserve.ts';

/**
 * One owner of each side; a holder that died is replaced at once. A full disk keeps nobody from it: the folder of the lock stays, and the
 * first one comes out of the reserve. Throws exit status 75 when somebody alive has it.
 */
export async function lockSide(disk: Disk, folder: string, side: 'writer' | 'reader'): Promise<() => Promise<void>> {
  const release = await createReserve(disk, folder).use(() => takeLock(join(folder, side), { keep: true }));
  leaveFolderToOwner(join(folder, `${side}.lock`));
  return release;
}
