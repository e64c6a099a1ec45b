import { type CommandError, sentence } from '../runtime/exit.ts';
import type { Log } from '../runtime/log.ts';
import { loadCursor, notedCursor, savedCursor } from './cursor.ts';
import type { Disk } from './disk.ts';
import { type Done, doneUpTo } from './done.ts';
import { beginning, type Index } from './index.ts';

interface Parts {
  disk: Disk;
  folder: string;
  log: Log;
}

/**
 * The cursor as another process keeps it: what it says, and what of that a power cut leaves. One that cannot be read is no reason to take in
 * nothing: what was read last still holds, since it only grows.
 */
export function foreignCursor({ disk, folder, log }: Parts, index: Index): { done(): Done; saved(): Done } {
  let known: Done | undefined;
  let safe = doneUpTo(0);
  const orAsBefore = (read: () => void): void => {
    try {
      read();
      log.recovered('cursor', 'cursor.json can be read again');
    } catch (error) {
      known ??= notedCursor(disk, folder);
      // Which numbers are free, nothing else tells in an empty folder.
      if (!known && index.segments.length === 0) throw error;
      log.lost('cursor', `what is delivered is not known: ${sentence(error as CommandError)}`);
    }
  };
  return {
    done() {
      orAsBefore(() => {
        known = loadCursor(disk, folder, false).cursor ?? beginning(index);
      });
      return known ?? beginning(index);
    },
    saved() {
      orAsBefore(() => {
        safe = savedCursor(disk, folder) ?? doneUpTo(0);
      });
      return safe;
    },
  };
}
