import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { fail } from './exit.ts';

/**
 * Writes a file so that at any moment, power cut included, either the old or the new content is there: temporary file beside it,
 * fsync, rename.
 *
 * @throws exit status 74; the old file is then untouched
 */
export async function writeDurably(path: string, text: string, mode = 0o600): Promise<void> {
  const { default: writeFileAtomic } = await import('write-file-atomic');
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    await writeFileAtomic(path, text, { mode, fsync: true });
  } catch (error) {
    throw fail('io', `${path}: cannot be written: ${(error as NodeJS.ErrnoException).code ?? error}`, undefined, error);
  }
}
