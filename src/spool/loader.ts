import type { Disk } from './disk.ts';

/**
 * Reads whole files one after the other into the same room: what was read last is gone with the next. A segment is up to 8 MiB, and so much of
 * each would lie about until somebody cleans up.
 *
 * @returns undefined for a file that is not there
 */
export function createLoader(disk: Disk): (path: string) => Promise<Buffer | undefined> {
  let room = Buffer.alloc(0);
  const fill = async (fd: number): Promise<Buffer> => {
    const bytes = await disk.size(fd);
    if (bytes > room.length) room = Buffer.allocUnsafeSlow(bytes);
    let end = 0;
    for (let count = -1; count !== 0 && end < bytes; end += count) {
      count = await disk.read(fd, room.subarray(0, bytes), end, end);
    }
    return room.subarray(0, end);
  };
  return async (path) => {
    let fd: number;
    try {
      fd = await disk.openToRead(path);
    } catch {
      // It says why, in words.
      return disk.load(path);
    }
    try {
      return await fill(fd);
    } finally {
      await disk.close(fd);
    }
  };
}
