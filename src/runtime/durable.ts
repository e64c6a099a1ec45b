import { promises, realpathSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { fail } from './exit.ts';
import { makeFolder } from './folder.ts';
import { inWords } from './system-error.ts';

/**
 * Writes a file so that at any moment, power cut included, either the old or the new content is there: temporary file beside it,
 * fsync, rename, fsync of the folder. A file that is there keeps its owner; a link stays a link.
 *
 * Not write-file-atomic (6.0): it takes a short write, which is what a disk that fills up gives first, for a whole one, and
 * replaces the old file with half of the new.
 *
 * @throws exit status 74; the old file is then untouched
 */
export async function writeDurably(path: string, text: string, mode = 0o600): Promise<void> {
  let temporary: string | undefined;
  try {
    const old = statSync(path, { throwIfNoEntry: false });
    // A device would be replaced by a file: /dev/null, for all that run after us.
    if (old && !old.isFile()) throw new Error(old.isDirectory() ? 'it is a folder' : 'it is no file');
    const target = old ? realpathSync(path) : path;
    temporary = `${target}.${process.pid}.${process.hrtime.bigint().toString(36)}.tmp`;
    makeFolder(dirname(target));
    const file = await promises.open(temporary, 'wx', mode);
    try {
      await file.writeFile(text);
      if (old && process.getuid?.() === 0) await file.chown(old.uid, old.gid);
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
