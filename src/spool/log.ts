import type { Clock } from '../runtime/clock.ts';
import { fail } from '../runtime/exit.ts';
import type { Log } from '../runtime/log.ts';
import { inWords } from '../runtime/system-error.ts';
import { type Caps, createCaps, type Limit } from './caps.ts';
import type { Sync } from './commit.ts';
import type { Disk } from './disk.ts';
import { type Done, firstUndone, undoneBetween } from './done.ts';
import { noteGap, timeOf } from './gaps.ts';
import type { Index } from './index.ts';
import { createLosses } from './losses.ts';
import { isFull, type Reserve } from './reserve.ts';
import { mendTail } from './tail.ts';
import { createWithdrawn, passWithdrawn } from './withdrawn.ts';
import { createWriter, type Group, type Writer } from './writer.ts';

/** How a log is written. */
export interface LogOptions extends Limit {
  sync: Sync;
  /** A segment that is longer gives way to a new one; undefined: as is right for --max-bytes and the disk. */
  segmentBytes?: number;
}

/** What the log of a spool is made of. */
export interface LogParts extends LogOptions {
  disk: Disk;
  index: Index;
  reserve: Reserve;
  /** Another process reads while this one writes. */
  shared: boolean;
  clock: Clock;
  log: Log;
  done(): Done;
  saved(): Done;
  tidy(): Promise<boolean>;
  /** Room may have been made: by a delivery, or by another process. Resolves when it is worth looking again. */
  roomMade(): Promise<void>;
  onWritten(): void;
  onAccepted(records: number): void;
  onDropped(count: number, reason: string): void;
}

/** What a spool may take is shared by so many segments: what is dropped or removed at once is one of them. */
const segmentsOfCap = 8;
const largestSegment = 8 * 1024 * 1024;
const smallestSegment = 64 * 1024;
/** A disk that failed is tried again after so many milliseconds. */
const tryAgainAfter = 1000;
const agedEvery = 1000;
/** That a full disk costs what is delivered is said this often at most. */
const fullSaidEvery = 60_000;
/** While the disk takes nothing, so many characters wait in memory before the oldest go. */
const mostInMemory = 512 * 1024;

/** Bytes that a spool can have on its disk; Infinity where the file system does not tell. */
function roomOnDisk({ disk, index }: LogParts): number {
  try {
    const { free, total } = disk.room(index.folder);
    return total > 0 ? free + index.bytes() : Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** A spool has no more room than its disk: on a small one, segments are small. */
function segmentBytesFor(parts: LogParts): number {
  const share = (bytes: number): number => Math.floor(bytes / segmentsOfCap);
  return Math.min(largestSegment, share(parts.maxBytes), Math.max(smallestSegment, share(roomOnDisk(parts))));
}

/** What a disk that fails keeps from being written. */
function unwritten(writer: Writer): string {
  const count = (writer.stuck() ?? []).reduce((sum, { records }) => sum + records, 0);
  return count === 1 ? '1 record' : `${count} records`;
}

/** Opens the log of a spool for writing, as a crash may have left it: a torn end is cut off, nothing else is touched. */
export async function openLog(parts: LogParts): Promise<{ writer: Writer; close(): Promise<void> }> {
  const { disk, index, reserve, clock, log, whenFull } = parts;
  const losses = createLosses(clock, log, parts.onDropped);
  let writer: Writer;

  const caps: Caps = createCaps({
    ...parts,
    losses,
    roll: () => writer.roll(),
    written: () => writer.written,
    padding: () => writer.padding,
  });

  const waitForRoom = async (bytes: number): Promise<boolean> => {
    if (await caps.makeRoom(bytes)) return true;
    if (whenFull !== 'block') return false;
    log.lost('full', `${index.folder} is full: input waits`);
    while (!(await caps.makeRoom(bytes))) {
      if (writer.closing) throw fail('io', `${index.folder} is full: what came last could not be taken`);
      await parts.roomMade();
    }
    log.recovered('full', `${index.folder} has room again`);
    return true;
  };

  const refused = async (group: Group, stuck: boolean): Promise<void> => {
    const reason = stuck ? 'the disk cannot be written' : 'the spool is full';
    const lines = group.text.trimEnd().split('\n');
    const timeOfLine = (line: string | undefined): string | undefined => line && timeOf(line.slice(line.indexOf('{')));
    const [from, to] = [timeOfLine(lines[0]), timeOfLine(lines.at(-1))];
    const last = group.first + group.records - 1;
    // Some of them may have been delivered from memory.
    losses.add(undoneBetween(parts.done(), group.first, last), reason);
    log.lost('refused', `new records are dropped: ${reason}`);
    const gap = { first: group.first, last, ...(from ? { from } : {}), ...(to ? { to } : {}), reason };
    // Not out of the reserve: without a cursor nothing that is delivered could make room.
    await noteGap(disk, index, gap, clock.now());
    parts.onWritten();
  };

  let saidFullAt = Number.NEGATIVE_INFINITY;
  const sayFull = (what: string): void => {
    if (clock.monotonic() - saidFullAt < fullSaidEvery) return;
    saidFullAt = clock.monotonic();
    log.info(`${what}: what is delivered makes room`);
  };

  const faulted = async (error: NodeJS.ErrnoException, waiting: number): Promise<'again' | 'refuse'> => {
    const { code } = error;
    const what = `${index.folder}: cannot be written: ${inWords(error)}`;
    const full = isFull(error);
    if (full) index.refresh();
    // What is delivered goes before any other record has to suffer.
    if (full && (await caps.removeDelivered().catch(() => false))) {
      sayFull(what);
      return 'again';
    }
    if (code === undefined || whenFull === 'exit') throw fail('io', what, undefined, error);
    if (full && whenFull === 'drop-oldest') {
      // That is said once a minute, and how many records it costs.
      if (await caps.dropOldest('the disk is full').catch(() => false)) return 'again';
    }
    log.lost('disk', `${what}; tried again every second`);
    if (whenFull === 'drop-newest') return 'refuse';
    // What is new is worth more; what is still in memory has its chance to be delivered from there.
    if (whenFull === 'drop-oldest' && waiting > mostInMemory) return 'refuse';
    if (writer.closing) throw fail('io', `${what}: ${unwritten(writer)} could not be taken`, undefined, error);
    await clock.sleep(tryAgainAfter);
    return 'again';
  };

  const tails = index.segments.filter(({ kind }) => kind === 'log').slice(-1);
  let next = Math.max(parts.done().upTo, parts.done().ranges.at(-1)?.[1] ?? 0) + 1;
  let upcoming = next;
  for (const segment of tails) {
    const tail = await mendTail(disk, index.folder, segment, (error) =>
      log.warn(`${index.folder}: the end of the log cannot be cut yet: ${inWords(error)}`),
    );
    upcoming = tail.next;
    next = Math.max(next, tail.next);
    if (tail.torn > 0) log.warn(`the end of the log was torn by a crash: ${tail.torn} bytes cut off`);
  }
  next = Math.max(next, ...index.segments.map(({ last }) => (last ?? 0) + 1));
  const withdrawn = createWithdrawn(disk, reserve, index.folder);
  next = await passWithdrawn(parts, withdrawn, next);

  writer = createWriter({
    disk,
    index,
    clock,
    sync: parts.sync,
    next,
    upcoming,
    ...(parts.shared ? { withdrawn } : {}),
    maxBytes: parts.maxBytes,
    segmentBytes: () => parts.segmentBytes ?? segmentBytesFor(parts),
    segmentAge: parts.maxAge === undefined ? undefined : parts.maxAge / segmentsOfCap,
    async makeRoom(bytes) {
      await caps.dropAged();
      return waitForRoom(bytes);
    },
    onRefused: refused,
    isDone: ({ first, records }) => firstUndone(parts.done(), first) >= first + records,
    onWaiting: parts.onWritten,
    onFault: faulted,
    onWritten() {
      log.recovered('disk', `${index.folder} can be written again`);
      log.recovered('refused', 'records are taken again');
      parts.onWritten();
    },
    onAccepted: parts.onAccepted,
  });

  let cancelAged = (): void => {};
  const watchAge = (): void => {
    cancelAged = clock.after(
      agedEvery,
      () => {
        void writer
          .between(() => caps.dropAged())
          .catch((error: Error) => log.lost('aged', `old records cannot be dropped: ${error.message}`))
          .then(watchAge);
      },
      { idle: true },
    );
  };
  if (parts.maxAge !== undefined) watchAge();

  return {
    writer,
    async close() {
      cancelAged();
      try {
        await writer.close();
      } finally {
        losses.close();
      }
    },
  };
}
