import { basename, dirname } from 'node:path';
import { codeOf } from '../runtime/system-error.ts';
import type { Disk } from './disk.ts';

/*
 * A card or a disk that wears out loses blocks: a read that touches one fails as a whole (EIO). All around them can be read still, and a
 * line with zeros in it is a damaged line like any other.
 */

const page = 4096;
/** A block that can't be read is tried so many times: cables and cards have their moments. */
const tries = 3;
/** Where a file is read in pieces, and where it is looked whether any of it can be read. */
const stride = 64 * page;

const isBad = (error: unknown): boolean => codeOf(error) === 'EIO';

/** The pages of `bytes` bytes at a position of a file: where each begins among them, and its length. */
function* pagesOf(position: number, bytes: number): Generator<{ at: number; length: number }, void> {
  for (let at = 0; at < bytes; ) {
    const length = Math.min(bytes - at, page - ((position + at) % page));
    yield { at, length };
    at += length;
  }
}

/** The same disk, whose files can be read around bad blocks: these are zeros. A file of which nothing can be read fails as before. */
export function aroundBadBlocks(disk: Disk): Disk {
  /** Bytes of a page; undefined: it is bad. */
  const readPage = async (fd: number, piece: Uint8Array, position: number): Promise<number | undefined> => {
    for (let left = tries; left > 0; left--) {
      try {
        return await disk.read(fd, piece, 0, position);
      } catch (error) {
        if (!isBad(error)) throw error;
      }
    }
    return undefined;
  };

  const canBeRead = async (fd: number, size: number): Promise<boolean> => {
    const piece = Buffer.allocUnsafe(page);
    for (let position = 0; position < size; position += stride) {
      if ((await readPage(fd, piece, position)) !== undefined) return true;
    }
    return false;
  };

  const readPages = async (fd: number, into: Uint8Array, position: number, failure: unknown): Promise<number> => {
    const size = await disk.size(fd);
    let good = false;
    for (const { at, length } of pagesOf(position, Math.min(into.length, size - position))) {
      const piece = into.subarray(at, at + length);
      const count = await readPage(fd, piece, position + at);
      if (count === undefined) piece.fill(0);
      else good = true;
      if (count !== undefined && count < length) return at + count;
    }
    if (!good && !(await canBeRead(fd, size))) throw failure;
    return Math.max(0, Math.min(into.length, size - position));
  };

  const peekPage = (path: string, position: number, bytes: number): Buffer | undefined => {
    for (let left = tries; left > 0; left--) {
      try {
        return disk.peek(path, position, bytes);
      } catch (error) {
        if (!isBad(error)) throw error;
      }
    }
    return undefined;
  };

  const sizeOf = (path: string): number =>
    disk.entries(dirname(path)).find(({ name }) => name === basename(path))?.bytes ?? 0;

  /** Bytes of a file page by page, and whether any of them could be read. */
  const peekPages = (path: string, position: number, bytes: number): { bytes: Buffer; good: boolean } => {
    const parts: Buffer[] = [];
    let good = false;
    for (const { at, length } of pagesOf(position, Math.min(bytes, sizeOf(path) - position))) {
      const found = peekPage(path, position + at, length);
      parts.push(found ?? Buffer.alloc(length));
      good ||= found !== undefined;
    }
    return { bytes: Buffer.concat(parts), good };
  };

  return {
    ...disk,
    async read(fd, into, offset, position) {
      const wanted = into.subarray(offset);
      try {
        return await disk.read(fd, wanted, 0, position);
      } catch (error) {
        if (!isBad(error)) throw error;
        return readPages(fd, wanted, position, error);
      }
    },
    peek(path, position, bytes) {
      try {
        return disk.peek(path, position, bytes);
      } catch (error) {
        if (!isBad(error)) throw error;
        return peekPages(path, position, bytes).bytes;
      }
    },
    load(path) {
      try {
        return disk.load(path);
      } catch (error) {
        if (!isBad(error)) throw error;
        const { bytes, good } = peekPages(path, 0, Number.POSITIVE_INFINITY);
        if (!good) throw error;
        return bytes;
      }
    },
  };
}
