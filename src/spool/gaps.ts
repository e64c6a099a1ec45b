import type { VoltRecord } from '../records/record.ts';
import { timestamp } from '../runtime/clock.ts';
import type { Disk } from './disk.ts';
import { type Frame, readFrame } from './frame.ts';
import type { Index } from './index.ts';
import { gapFile, type Segment } from './segments.ts';

/** What is known of records that were dropped. */
export interface Dropped {
  first: number;
  last: number;
  /** `time` of the first and the last of them. */
  from?: string;
  to?: string;
  reason: string;
}

/** A `gap` record. */
export function gapRecord({ first, last, from, to, reason }: Dropped, at: number): VoltRecord {
  return {
    type: 'gap',
    time: timestamp(at),
    source: 'spool',
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    count: last - first + 1,
    reason,
  };
}

/** The `time` of a record, when it has one that can be told. */
export function timeOf(json: string): string | undefined {
  try {
    const { time } = JSON.parse(json) as VoltRecord;
    return typeof time === 'string' ? time : undefined;
  } catch {
    return undefined;
  }
}

/** Times of the first and the last record of a segment from `from` on. */
export function spanOf(bytes: Buffer, from: number): { from?: string; to?: string } {
  const found: Frame = { seq: 0, json: 0 };
  const timeAt = (start: number, end: number): string | undefined =>
    readFrame(bytes, start, end, found) && found.seq >= from
      ? timeOf(bytes.toString('utf8', found.json, end))
      : undefined;
  let first: string | undefined;
  for (let start = 0, end = bytes.indexOf(10); end >= 0 && first === undefined; end = bytes.indexOf(10, start)) {
    first = timeAt(start, end);
    start = end + 1;
  }
  let last: string | undefined;
  for (let end = bytes.lastIndexOf(10); end > 0 && last === undefined; ) {
    const start = bytes.lastIndexOf(10, end - 1) + 1;
    last = timeAt(start, end);
    end = start - 1;
  }
  return { ...(first ? { from: first } : {}), ...(last ? { to: last } : {}) };
}

/** Reads what a gap file says. */
export function readGap(disk: Disk, { path, first, last }: Segment): Dropped {
  const text = disk.load(path)?.toString('utf8') ?? '';
  let found: Partial<VoltRecord> = {};
  try {
    found = JSON.parse(text) ?? {};
  } catch {
    // Its name tells what matters.
  }
  const { from, to, reason } = found;
  return {
    first,
    last: last!,
    ...(typeof from === 'string' ? { from } : {}),
    ...(typeof to === 'string' ? { to } : {}),
    reason: typeof reason === 'string' ? reason : 'dropped',
  };
}

/** The gap that ends just before these records: it can be made longer. */
const gapBefore = ({ segments }: Index, { first }: Dropped): Segment | undefined =>
  segments.find(({ kind, last }) => kind === 'gap' && last === first - 1);

/** Notes a gap file that is there now, in the place of a shorter one. */
function enter(
  index: Index,
  gap: Pick<Segment, 'path' | 'first' | 'last' | 'bytes'>,
  now: number,
  instead?: Segment,
): void {
  if (instead) index.remove(instead);
  index.add({ ...gap, kind: 'gap', changed: now, born: now });
}

/**
 * Puts a gap file in the place of records that are dropped; it is durable when this resolves. One that ends just before is made
 * longer instead, so that a long outage costs one file.
 */
export async function writeGap(disk: Disk, index: Index, dropped: Dropped, now: number): Promise<void> {
  const before = gapBefore(index, dropped);
  const known = before && readGap(disk, before);
  const goesOn = known?.reason === dropped.reason;
  const whole: Dropped = goesOn
    ? { ...dropped, first: known.first, ...(known.from ? { from: known.from } : {}) }
    : dropped;
  const { first, last } = whole;
  const path = gapFile(index.folder, first, last);
  const text = `${JSON.stringify(gapRecord(whole, now))}\n`;
  await disk.replace(path, text);
  enter(index, { path, first, last, bytes: text.length }, now, goesOn ? before : undefined);
}

/**
 * As {@link writeGap}, as well as it can be: where there is no room for what a gap says, a name alone tells the numbers, since that needs no
 * block. Without even that the hole in the numbers still shows that something is missing.
 */
export async function noteGap(disk: Disk, index: Index, dropped: Dropped, now: number): Promise<void> {
  try {
    return await writeGap(disk, index, dropped, now);
  } catch {
    // As said above.
  }
  const before = gapBefore(index, dropped);
  const nameAlone = before?.bytes === 0 ? before : undefined;
  const { first } = nameAlone ?? dropped;
  const path = gapFile(index.folder, first, dropped.last);
  try {
    await disk.close(await disk.openToWrite(path));
  } catch {
    return;
  }
  enter(index, { path, first, last: dropped.last, bytes: 0 }, now, nameAlone);
}
