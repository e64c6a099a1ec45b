import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Disk } from './disk.ts';
import { addDone, type Done } from './done.ts';
import { quarantine } from './quarantine.ts';

/** The cursor as of this moment, for whoever comes after a crash of the process alone: one line, and its checksum before it. */
const slateFile = (folder: string): string => join(folder, 'cursor.now');

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

/** The members of the file, without its checksum. */
const textOf = ({ upTo, ranges }: Done): string => JSON.stringify({ upTo, ...(ranges.length > 0 ? { ranges } : {}) });

/** As {@link textOf}, with the CRC-32 of that in hexadecimal as the last member: `{"upTo":28200,"crc32":"0a1b2c3d"}`. */
function withSum(done: Done): string {
  const text = textOf(done);
  return `${text.slice(0, -1)},"crc32":"${crc32(text).toString(16).padStart(8, '0')}"}`;
}

/**
 * Reads cursor.json; undefined when a bit of it is not as it was written. One that is ahead of the log is none the worse for it: with
 * `--sync` other than `always`, a power cut takes records from the log that had been delivered, and numbers go on behind them.
 */
function readFile(bytes: Buffer): Done | undefined {
  const text = bytes.toString('latin1');
  const done = parse(text);
  return done && text === `${withSum(done)}\n` ? done : undefined;
}

/** The line of the slate; undefined when it is not whole. */
function readSlate(disk: Disk, folder: string): Done | undefined {
  const [line = ''] = (disk.load(slateFile(folder))?.toString('latin1') ?? '').split('\n');
  const text = line.slice(line.indexOf(' ') + 1);
  return line === `${crc32(text)} ${text}` ? parse(text) : undefined;
}

/** What the cursor on disk says, which a power cut does not take away; undefined when there is none that is whole. */
export function savedCursor(disk: Disk, folder: string): Done | undefined {
  const bytes = disk.load(cursorFile(folder));
  return bytes && readFile(bytes);
}

/**
 * How far the reader of a spool had come, as far as that is known; undefined when nothing is. A file that can't be read counts for
 * nothing.
 *
 * @param keep a damaged file is copied to the quarantine; the next one that is saved takes its place
 */
export function loadCursor(disk: Disk, folder: string, keep = true): { cursor?: Done; damaged: boolean } {
  const bytes = disk.load(cursorFile(folder));
  const saved = bytes && readFile(bytes);
  if (bytes && !saved && keep) quarantine(disk, folder, 'cursor.json', bytes);
  const cursor = saved ?? readSlate(disk, folder);
  const damaged = bytes !== undefined && saved === undefined;
  if (!cursor) return { damaged };
  const now = saved ? readSlate(disk, folder) : undefined;
  if (now) {
    addDone(cursor, 1, now.upTo);
    for (const [first, last] of now.ranges) addDone(cursor, first, last);
  }
  return { cursor, damaged };
}

/** How far its reader noted that it had come; undefined where that can't be read either. For when cursor.json cannot be read. */
export function notedCursor(disk: Disk, folder: string): Done | undefined {
  try {
    return readSlate(disk, folder);
  } catch {
    return undefined;
  }
}

/** Makes the cursor durable. */
export async function saveCursor(disk: Disk, folder: string, done: Done): Promise<void> {
  await disk.replace(cursorFile(folder), `${withSum(done)}\n`);
}

/** Notes the cursor, many times a second if need be. Best effort: without it more is sent again after a crash. */
export function openSlate(disk: Disk, folder: string): { note(done: Done): void; close(): void } {
  let slate: ReturnType<Disk['slate']> | undefined;
  try {
    slate = disk.slate(slateFile(folder));
  } catch {
    // As on a full disk.
  }
  return {
    note(done) {
      const text = textOf(done);
      try {
        slate?.write(`${crc32(text)} ${text}\n`);
      } catch {
        // The saved cursor is good enough.
      }
    },
    close: () => slate?.close(),
  };
}
