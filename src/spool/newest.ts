import type { Disk } from './disk.ts';
import type { Index } from './index.ts';
import { readTail } from './tail.ts';

/** Number of the newest record that is whole on disk. */
export function newestOnDisk(disk: Disk, index: Index): number {
  index.refresh();
  const last = index.segments.at(-1);
  if (!last) return 0;
  if (last.kind === 'gap') return last.last!;
  const bytes = disk.load(last.path);
  return bytes ? readTail(bytes, last.first).newest : last.first - 1;
}
