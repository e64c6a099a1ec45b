import type { Disk } from './disk.ts';

/*
 * A card or a disk that wears out loses single blocks: a read that touches one fails as a whole (EIO). All around it can be read still, and
 * a line with zeros in it is a damaged line like any other.
 */

const page = 4096;
/** A block that can't be read is tried so many times: cables and cards have their moments. */
const tries = 3;
/** A file is read by so much where it can't be read at once. */
const stride = 64 * page;

const isBad = (error: unknown): boolean => {
  const { code, cause } = error as NodeJS.ErrnoException;
  return (code ?? (cause as NodeJS.ErrnoException | undefined)?.code) === 'EIO';
};

/** The pages of `bytes` bytes at a position of a file: where each begins among them, and its length. */
function* pagesOf(position: number, bytes: number): Generator<{ at: number; length: number }, void> {
  for (let at = 0; at < bytes; ) {
    const length = Math.min(bytes - at, page - ((position + at) % page));
    yield { at, length };
    at += length;
  }
}

/** The same disk, whose files can be read around bad blocks: these are zeros. A file of which nothing can be read rejects as before. */
export function aroundBadBlocks(disk: Disk): Disk {
  const readPages = async (fd: number, into: Uint8Array, position: number, failure: unknown): Promise<number> => {
    let good = 0;
    for (const { at, length } of pagesOf(position, into.length)) {
      const piece = into.subarray(at, at + length);
      const count = await readPage(fd, piece, position + at);
      if (count === undefined) piece.fill(0);
      else good += count;
      if (count !== undefined && count < length) return at + count;
    }
    if (good === 0) throw failure;
    return into.length;
  };

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

  const peekPages = (path: string, position: number, bytes: number, failure: unknown): Buffer => {
    const parts: Buffer[] = [];
    let good = 0;
    for (const { at, length } of pagesOf(position, bytes)) {
      const found = peekPage(path, position + at, length);
      parts.push(found ?? Buffer.alloc(length));
      good += found?.length ?? 0;
      if (found && found.length < length) break;
    }
    if (good === 0) throw failure;
    return Buffer.concat(parts);
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

  const peek: Disk['peek'] = (path, position, bytes) => {
    try {
      return disk.peek(path, position, bytes);
    } catch (error) {
      if (!isBad(error)) throw error;
      return peekPages(path, position, bytes, error);
    }
  };

  return {
    ...disk,
    peek,
    async read(fd, into, offset, position) {
      const wanted = into.subarray(offset);
      try {
        return await disk.read(fd, wanted, 0, position);
      } catch (error) {
        if (!isBad(error)) throw error;
        return readPages(fd, wanted, position, error);
      }
    },
    load(path) {
      try {
        return disk.load(path);
      } catch (error) {
        if (!isBad(error)) throw error;
        const parts: Buffer[] = [];
        for (let position = 0, count = stride; count === stride; position += count) {
          const piece = peek(path, position, stride);
          parts.push(piece);
          count = piece.length;
        }
        return Buffer.concat(parts);
      }
    },
  };
}
