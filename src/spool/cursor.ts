import { join } from 'node:path';
import type { Disk } from './disk.ts';
import type { Done } from './done.ts';
import { quarantine } from './quarantine.ts';

const cursorFile = (folder: string): string => join(folder, 'cursor.json');

const isSeq = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function parse(text: string): Done | undefined {
  let found: { upTo?: unknown; ranges?: unknown };
  try {
    found = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { upTo, ranges = [] } = found ?? {};
  if (!isSeq(upTo) || !Array.isArray(ranges)) return undefined;
  let end = upTo;
  for (const range of ranges) {
    if (!Array.isArray(range) || !isSeq(range[0]) || !isSeq(range[1]) || range[0] <= end || range[1] < range[0]) {
      return undefined;
    }
    end = range[1];
  }
  return { upTo, ranges };
}

/**
 * How far the reader of a spool had come when that was last saved; undefined when nothing was. A file that can't be read counts for
 * nothing.
 *
 * @param move a damaged file goes to the quarantine
 */
export function loadCursor(disk: Disk, folder: string, move = true): { cursor?: Done; damaged: boolean } {
  const bytes = disk.load(cursorFile(folder));
  if (!bytes) return { damaged: false };
  const cursor = parse(bytes.toString('utf8'));
  if (cursor) return { cursor, damaged: false };
  if (move) {
    quarantine(disk, folder, 'cursor.json', bytes);
    disk.remove(cursorFile(folder));
  }
  return { damaged: true };
}

/** Makes the cursor durable. */
export async function saveCursor(disk: Disk, folder: string, { upTo, ranges }: Done): Promise<void> {
  const text = JSON.stringify({ upTo, ...(ranges.length > 0 ? { ranges } : {}) });
  await disk.replace(cursorFile(folder), `${text}\n`);
}
