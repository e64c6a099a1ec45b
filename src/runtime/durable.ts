import { lstatSync, promises, realpathSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { fail } from './exit.ts';
import { makeFolder } from './folder.ts';
import { isRoot } from './owner.ts';
import { inWords } from './system-error.ts';

/** How a file is written. */
export interface DurableOptions {
  /** Of a file that was not there (default 0600). */
  mode?: number;
  /** Whose it shall be; what may not be given away stays ours. Absent: as before. */
  owner?: { uid: number; gid: number } | undefined;
  /** In a folder that belongs to somebody else a link is none of ours: then it is no file. */
  links?: 'followed' | 'refused';
}

/**
 * Writes a file so that at any moment, power cut included, either the old or the new content is there: temporary file beside it,
 * fsync, rename, fsync of the folder. A file that is there keeps its owner; a link stays a link.
 *
 * Not write-file-atomic (6.0): it takes a short write, which is what a disk that fills up gives first, for a whole one, and
 * replaces the old file with half of the new.
 *
 * @throws exit status 74; the old file is then untouched
 */
export async function writeDurably(path: string, text: string, options: DurableOptions = {}): Promise<void> {
  const { mode = 0o600, links = 'followed' } = options;
  let temporary: string | undefined;
  try {
    const old = (links === 'followed' ? statSync : lstatSync)(path, { throwIfNoEntry: false });
    // A device would be replaced by a file: /dev/null, for all that run after us.
    if (old && !old.isFile()) throw new Error(old.isDirectory() ? 'it is a folder' : 'it is no file');
    const target = old ? realpathSync(path) : path;
    temporary = `${target}.${process.pid}.${process.hrtime.bigint().toString(36)}.tmp`;
    makeFolder(dirname(target));
    const file = await promises.open(temporary, 'wx', mode);
    try {
      await file.writeFile(text);
      const owner = options.owner ?? (isRoot() ? old : undefined);
      if (owner) await file.chown(owner.uid, owner.gid).catch(() => {});
      await file.sync();
    } finally {
      await file.close();
    }
    await promises.rename(temporary, target);
    await syncFolder(dirname(target));
  } catch (error) {
    if (temporary) rmSync(temporary, { force: true });
    throw fail('io', `${path}: cannot be written: ${inWords(error)}`, undefined, error);
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await promises.open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
