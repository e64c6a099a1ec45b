import { createReadStream, createWriteStream, promises } from 'node:fs';
import { pipeline } from 'node:stream/promises';

/**
 * Puts `<path>.gz` in the place of `path`. At any moment one of the two is whole: the archive gets its name when the disk has it, and
 * only then the original goes. Rejects when there is no room for both; the original is then untouched.
 */
export async function compressFile(path: string): Promise<void> {
  const { createGzip } = await import('node:zlib');
  const temporary = `${path}.gz.tmp`;
  try {
    const { mode } = await promises.stat(path);
    await pipeline(createReadStream(path), createGzip(), createWriteStream(temporary, { mode }));
    const file = await promises.open(temporary, 'r+');
    await file.sync().finally(() => file.close());
    await promises.rename(temporary, `${path}.gz`);
    await promises.rm(path);
  } catch (error) {
    await promises.rm(temporary, { force: true });
    throw error;
  }
}
