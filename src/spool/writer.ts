import { createBell } from '../runtime/bell.ts';
import type { Clock } from '../runtime/clock.ts';
import { createCommit, type Sync } from './commit.ts';
import type { Disk } from './disk.ts';
import { frame } from './frame.ts';
import type { Index } from './index.ts';
import { createTip } from './tip.ts';
import type { Withdrawn } from './withdrawn.ts';

/** What a writer is made of. */
export interface WriterOptions {
  disk: Disk;
  index: Index;
  clock: Clock;
  sync: Sync;
  /** A segment that is longer gives way to a new one. */
  segmentBytes(): number;
  /** So does one that was begun longer ago than this, in milliseconds. */
  segmentAge: number | undefined;
  /** All segments together take no more than that. */
  maxBytes: number;
  /** Number of the first record. */
  next: number;
  /** Number behind the last record of the newest segment: another one begins a new segment. */
  upcoming: number;
  /** Another process may read meanwhile. */
  withdrawn?: Withdrawn;
  /** Makes room for so many bytes. False: what was to be written is dropped. */
  makeRoom(bytes: number): Promise<boolean>;
  /** Records that were not written for want of room; `stuck`: on the disk. */
  onRefused(group: Group, stuck: boolean): Promise<void>;
  /** The disk failed, and so many characters wait. Resolves when it is worth another try; what it rejects with ends the writer. */
  onFault(error: NodeJS.ErrnoException, waiting: number): Promise<'again' | 'refuse'>;
  /** The records were delivered although the disk has not taken them: there is no need to write them any more. */
  isDone(group: Group): boolean;
  /** More waits in memory, while the disk takes nothing. */
  onWaiting(): void;
  /** More can be read. */
  onWritten(): void;
  /** So many more records, in order, are in the hands of the spool. */
  onAccepted(records: number): void;
}

/** Records that are written together. */
export interface Group {
  text: string;
  records: number;
  first: number;
}

/** Appends records to a log. */
export interface Writer {
  /** Takes a record. With a promise: wait for that before the next one. Throws what ended the writer. */
  append(json: string): Promise<void> | undefined;
  /** Number that the next record will get. */
  readonly next: number;
  /** Number of the last record that the system has. */
  readonly written: number;
  /** Bytes that the file which is being written has beyond its lines. */
  readonly padding: number;
  /** What the disk does not take, while it takes nothing; else undefined. */
  stuck(): readonly Group[] | undefined;
  /** What has been appended by now is written, and durable if anything ever is. */
  flush(): Promise<void>;
  /** What has been written by now is durable. */
  sync(): Promise<void>;
  /** Ends the segment that is being written. Only from what {@link WriterOptions.makeRoom} or {@link Writer.between} runs. */
  roll(): Promise<void>;
  /** Runs something while nothing is being written. */
  between<T>(work: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
  /** How often the log was synced, for how many groups, and how many milliseconds that took together. */
  readonly counts: { readonly syncs: number; readonly groups: number; readonly took: number };
  /** It shall end: what can't be written now is not waited for. */
  readonly closing: boolean;
}

/** A group is closed at this length: what is dropped for want of room is dropped by groups. */
const groupLength = 64 * 1024;
/** Bytes of a character of JavaScript in UTF-8, at most. */
const longestCharacter = 3;
/** Above so much that waits, the input waits too. */
const waitingLength = 1024 * 1024;

/** Makes a writer. It opens its segment with the first record. */
export function createWriter(options: WriterOptions): Writer {
  const { disk, clock } = options;
  let { next } = options;
  let groups: Group[] = [];
  let open: Group = { text: '', records: 0, first: next };
  let waiting = 0;
  let written = next - 1;
  let failure: { error: unknown } | undefined;
  let running: Promise<void> | undefined;
  let closed = false;
  let stuck = false;
  let room = Buffer.alloc(0);
  /** Groups on their way to the disk. */
  let taken: Group[] = [];
  /** The first group of this commit. */
  let beginning: Group | undefined;
  let begin = (): void => {};
  const lighter = createBell();
  let turn: Promise<unknown> = Promise.resolve();
  const counts = {
    groups: 0,
    get syncs() {
      return commit.syncs;
    },
    get took() {
      return commit.took;
    },
  };

  const between = <T>(work: () => Promise<T>): Promise<T> => {
    const result = turn.then(work);
    turn = result.catch(() => {});
    return result;
  };

  const close = (group: Group): void => {
    groups.push(group);
    open = { text: '', records: 0, first: next };
  };

  const commit = createCommit(
    disk,
    clock,
    options.sync,
    () => tip.fd(),
    options.onAccepted,
    (error) => ended(error),
  );

  const tip = createTip({ ...options, padded: options.sync !== 'never', commit: () => commit.now() });

  /** As UTF-8, in one room for all: only one group at a time is on its way. */
  const encoded = (text: string): Buffer => {
    const most = text.length * longestCharacter;
    if (room.length < most) room = Buffer.allocUnsafeSlow(Math.max(most, groupLength * 4));
    return room.subarray(0, room.write(text, 'utf8'));
  };

  /** False: it was not written, for want of room or of need. */
  const tryToWrite = async (group: Group): Promise<boolean> => {
    const bytes = encoded(group.text);
    const numbers = { first: group.first, last: group.first + group.records - 1 };
    for (;;) {
      if (options.isDone(group)) return false;
      if (!(await options.makeRoom(bytes.length))) return refuse(group);
      try {
        await tip.append(bytes, numbers, group === beginning);
        return true;
      } catch (error) {
        const fault = error as NodeJS.ErrnoException;
        if (fault.code === 'EFBIG' && (await tip.seal())) continue;
        stuck = true;
        options.onWaiting();
        if ((await options.onFault(fault, waiting)) === 'refuse') return refuse(group);
      }
    }
  };

  const write = async (group: Group): Promise<void> => {
    const done = await tryToWrite(group);
    taken = taken.filter((one) => one !== group);
    waiting -= group.text.length;
    lighter.ring();
    if (!done) return commit.passed(group.records);
    stuck = false;
    commit.wrote(group.records);
    written = group.first + group.records - 1;
    options.onWritten();
  };

  /** Its records keep their numbers, so that the hole is seen. They are nobody's any more: the input may forget them. */
  const refuse = async (group: Group): Promise<false> => {
    // Nobody reads them from here on either.
    taken = taken.filter((one) => one !== group);
    if (!stuck) await tip.roll();
    await tip.discard();
    await options.onRefused(group, stuck);
    return false;
  };

  const run = async (): Promise<void> => {
    // Lines that come with one read are one group, unless somebody waits for what came by now.
    await new Promise<void>((resolve) => {
      begin = resolve;
      setImmediate(resolve);
    });
    while (open.records > 0 || groups.length > 0) {
      if (open.records > 0) close(open);
      taken = groups;
      groups = [];
      beginning = taken[0];
      for (const group of [...taken]) await between(() => write(group));
      counts.groups++;
      await commit.due();
    }
  };

  const ended = (error: unknown): void => {
    failure ??= { error };
    lighter.ring();
  };

  const start = (): void => {
    running ??= run()
      .catch(ended)
      .finally(() => {
        running = undefined;
      });
  };

  const checked = (): void => {
    if (failure) throw failure.error;
  };

  const untilLighter = async (): Promise<void> => {
    while (waiting > waitingLength && !failure) await lighter.heard();
    checked();
  };

  return {
    counts,
    stuck() {
      const waits = stuck ? [...taken, ...groups, open].filter(({ records }) => records > 0) : [];
      return waits.length > 0 ? waits : undefined;
    },
    get closing() {
      return closed;
    },
    get next() {
      return next;
    },
    get written() {
      return written;
    },
    get padding() {
      return tip.padding;
    },
    append(json) {
      checked();
      // Input that is still on its way when all is over was never taken.
      if (closed) return undefined;
      const line = frame(next++, json);
      open.text += line;
      open.records++;
      waiting += line.length;
      if (open.text.length >= groupLength) close(open);
      start();
      if (stuck) options.onWaiting();
      return waiting > waitingLength ? untilLighter() : undefined;
    },
    async flush() {
      begin();
      while (running) await running;
      checked();
      await commit.now();
    },
    sync: commit.now,
    roll: tip.roll,
    between,
    async close() {
      closed = true;
      commit.stop();
      while (running) await running;
      if (!failure) await commit.now();
      await tip.close();
      checked();
    },
  };
}
