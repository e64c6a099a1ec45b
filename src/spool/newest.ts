import type { Disk } from './disk.ts';
import type { Index } from './index.ts';
import { readTail } from './tail.ts';

const newline = 0x0a;
/** Nearly always the last line is within so many bytes. */
const firstLook = 64 * 1024;

/** Number of the newest record that is whole on disk. */
export function newestOnDisk(disk: Disk, index: Index): number {
  index.refresh();
  const last = index.segments.at(-1);
  if (!last) return 0;
  if (last.kind === 'gap') return last.last!;
  for (let length = firstLook; ; length *= 2) {
    const from = Math.max(0, last.bytes - length);
    const piece = disk.peek(last.path, from, last.bytes - from);
    const { newest } = readTail(from > 0 ? piece.subarray(piece.indexOf(newline) + 1) : piece, last.first);
    if (newest >= last.first || from === 0) return newest;
  }
}
