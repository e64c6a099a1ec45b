import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { loadCursor } from './cursor.ts';
import type { Disk } from './disk.ts';
import type { Done } from './done.ts';
import { type Frame, readFrame, rescueFrame } from './frame.ts';
import { timeOf } from './gaps.ts';
import { beginning, countDropped, countWaiting, createIndex } from './index.ts';
import { createLoader } from './loader.ts';
import { newestOnDisk } from './newest.ts';
import { endOfLines } from './padding.ts';
import { quarantineFolder } from './quarantine.ts';
import type { Segment } from './segments.ts';

/** A spool from outside: nothing is changed, and nobody is disturbed who uses it. */
export interface Survey {
  segments: readonly Segment[];
  done: Done;
  cursorDamaged: boolean;
  /** Number of the newest record. */
  newest: number;
  backlog: number;
  /** Records that were given up and whose gap has not been delivered. */
  dropped: number;
  bytes: number;
  /** Damaged pieces that are kept. */
  quarantined: number;
  /** `time` of the oldest undelivered record. */
  oldest?: string;
}

/** Looks at a spool. */
export function survey(disk: Disk, folder: string): Survey {
  const index = createIndex(disk, folder);
  const { cursor, damaged } = loadCursor(disk, folder, false);
  const done = cursor ?? beginning(index);
  // Where every segment is gone, the cursor still tells.
  const newest = Math.max(newestOnDisk(disk, index), done.upTo, done.ranges.at(-1)?.[1] ?? 0);
  const oldest = oldestTime(disk, index.segments, done);
  return {
    segments: index.segments,
    done,
    cursorDamaged: damaged,
    newest,
    backlog: countWaiting(index, done, newest),
    dropped: countDropped(index, done),
    bytes: index.bytes(),
    quarantined: existsSync(quarantineFolder(folder)) ? disk.entries(quarantineFolder(folder)).length : 0,
    ...(oldest === undefined ? {} : { oldest }),
  };
}

function oldestTime(disk: Disk, segments: readonly Segment[], { upTo }: Done): string | undefined {
  const logs = segments.filter(({ kind }) => kind === 'log');
  const at = Math.max(
    0,
    logs.findLastIndex(({ first }) => first <= upTo + 1),
  );
  for (const { path } of logs.slice(at)) {
    const bytes = disk.load(path);
    if (!bytes) continue;
    for (const line of scan(bytes)) {
      if (line.seq !== undefined && line.seq > upTo) return timeOf(bytes.toString('utf8', line.json, line.end));
    }
  }
  return undefined;
}

/** A piece of a segment: a good line, or what is damaged. */
export interface Piece {
  start: number;
  /** Without the newline. */
  end: number;
  /** Absent: it is damaged. */
  seq?: number;
  json: number;
  /** It ends the file, or only padding is behind it: it was not written to its end. */
  torn?: boolean;
}

/** Goes through a segment line by line; what pads it is left out. Damaged lines that are neighbours are one piece. */
export function* scan(bytes: Buffer): Generator<Piece, void> {
  let damaged: Piece | undefined;
  for (const piece of scanLines(bytes)) {
    const isDamaged = piece.seq === undefined && !piece.torn;
    if (damaged && isDamaged && piece.start === damaged.end + 1) {
      damaged.end = piece.end;
      continue;
    }
    if (damaged) yield damaged;
    damaged = isDamaged ? piece : undefined;
    if (!isDamaged) yield piece;
  }
  if (damaged) yield damaged;
}

function* scanLines(bytes: Buffer): Generator<Piece, void> {
  const found: Frame = { seq: 0, json: 0 };
  let start = 0;
  const lines = endOfLines(bytes);
  for (let end = bytes.indexOf(10); end >= 0 && start < lines; end = bytes.indexOf(10, start)) {
    if (readFrame(bytes, start, end, found)) yield { start, end, seq: found.seq, json: found.json };
    else if (end > start) {
      const at = rescueFrame(bytes, start, end, found);
      const saved = { ...found };
      const torn = at < 0 && end + 1 === lines && lines < bytes.length;
      yield { start, end: at < 0 ? end : at, json: start, ...(torn ? { torn } : {}) };
      if (at >= 0) yield { start: at, end, seq: saved.seq, json: saved.json };
    }
    start = end + 1;
  }
  if (start < lines) yield { start, end: bytes.length, json: start, torn: true };
}

/** Something that is not as it should be. */
export interface Fault {
  /** The file in which it is. */
  file: string;
  what: string;
  /** Records are missing, but what is there is whole. */
  missing?: boolean;
}

/** Reads every line of a spool. */
export async function verify(disk: Disk, folder: string): Promise<{ records: number; faults: Fault[] }> {
  const load = createLoader(disk);
  const faults: Fault[] = [];
  let records = 0;
  const { segments, cursorDamaged, done } = survey(disk, folder);
  if (cursorDamaged) faults.push({ file: 'cursor.json', what: 'damaged: what was delivered may be delivered again' });
  let next = segments[0]?.first ?? 1;
  const expect = (seq: number, file: string): void => {
    const from = Math.max(next, done.upTo + 1);
    if (seq <= from) return;
    const which = seq - 1 === from ? `record ${from} is` : `records ${from} to ${seq - 1} are`;
    faults.push({ file, what: `${which} missing`, missing: true });
  };
  for (const { path, kind, first, last } of segments) {
    const file = basename(path);
    expect(first, file);
    next = Math.max(next, first);
    if (kind === 'gap') {
      next = last! + 1;
      continue;
    }
    for (const { start, end, seq, torn } of scan((await load(path)) ?? Buffer.alloc(0))) {
      const place = `bytes ${start} to ${end}`;
      if (torn) faults.push({ file, what: `${place}: the last line was not written to its end` });
      else if (seq === undefined) faults.push({ file, what: `${place}: damaged` });
      else if (seq < next) faults.push({ file, what: `${place}: record ${seq} again` });
      else {
        expect(seq, file);
        records++;
        next = seq + 1;
      }
    }
  }
  return { records, faults };
}
