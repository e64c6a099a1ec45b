import type { Clock } from '../runtime/clock.ts';
import type { Disk } from './disk.ts';
import { frame } from './frame.ts';
import type { Index } from './index.ts';
import { logFile, type Segment } from './segments.ts';

/** When what was written is made durable: after each group, at most so many milliseconds later, or when the system likes. */
export type Sync = 'always' | 'never' | number;

/** What a writer is made of. */
export interface WriterOptions {
  disk: Disk;
  index: Index;
  clock: Clock;
  sync: Sync;
  segmentBytes: number;
  /** Number of the first record. */
  next: number;
  /** Makes room for so many bytes. False: what was to be written is dropped. */
  makeRoom(bytes: number): Promise<boolean>;
  /** Records that were not written for want of room. */
  onRefused(group: Group): Promise<void>;
  /** The disk failed. Resolves when it is worth another try; what it rejects with ends the writer. */
  onFault(error: NodeJS.ErrnoException, group: Group): Promise<'again' | 'refuse'>;
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
  /** What has been appended by now is written, and durable if anything ever is. */
  flush(): Promise<void>;
  /** What has been written by now is durable. */
  sync(): Promise<void>;
  /** Ends the segment that is being written. Only from what {@link WriterOptions.makeRoom} or {@link Writer.between} runs. */
  roll(): Promise<void>;
  /** Runs something while nothing is being written. */
  between<T>(work: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
  /** How often the log was synced, and for how many groups. */
  readonly counts: { syncs: number; groups: number; bytes: number };
}

/** A group is closed at this length: what is dropped for want of room is dropped by groups. */
const groupLength = 64 * 1024;
/** Above so much that waits, the input waits too. */
const waitingLength = 1024 * 1024;

/** Makes a writer. It opens its segment with the first record. */
export function createWriter(options: WriterOptions): Writer {
  const { disk, index, clock, sync, onAccepted } = options;
  let { next } = options;
  let groups: Group[] = [];
  let open: Group = { text: '', records: 0, first: next };
  let waiting = 0;
  let active: { fd: number; segment: Segment } | undefined;
  let written = next - 1;
  let unsynced = 0;
  let dirty = false;
  let failure: { error: unknown } | undefined;
  let running: Promise<void> | undefined;
  let syncing: Promise<void> | undefined;
  let closed = false;
  let cancelTimer: (() => void) | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  const counts = { syncs: 0, groups: 0, bytes: 0 };

  const between = <T>(work: () => Promise<T>): Promise<T> => {
    const result = turn.then(work);
    turn = result.catch(() => {});
    return result;
  };

  const close = (group: Group): void => {
    groups.push(group);
    open = { text: '', records: 0, first: next };
  };

  const syncNow = async (): Promise<void> => {
    cancelTimer?.();
    cancelTimer = undefined;
    // One at a time, so that what is accepted stays in order.
    while (syncing) await syncing;
    if (!dirty || !active) return;
    const covered = unsynced;
    dirty = false;
    syncing = disk.sync(active.fd).finally(() => {
      syncing = undefined;
    });
    counts.syncs++;
    await syncing;
    unsynced -= covered;
    onAccepted(covered);
  };

  const syncSoon = (): void => {
    if (sync === 'never') {
      const covered = unsynced;
      unsynced = 0;
      onAccepted(covered);
    } else if (typeof sync === 'number') {
      cancelTimer ??= clock.after(sync, () => {
        cancelTimer = undefined;
        void syncNow().catch(ended);
      });
    }
  };

  const roll = async (): Promise<void> => {
    if (!active) return;
    if (sync !== 'never') await syncNow();
    await disk.close(active.fd);
    active = undefined;
  };

  const segmentFor = async (group: Group): Promise<NonNullable<typeof active>> => {
    const length = Buffer.byteLength(group.text);
    if (active && active.segment.bytes > 0 && active.segment.bytes + length > options.segmentBytes) await roll();
    if (active) return active;
    const last = index.segments.at(-1);
    if (last?.kind === 'log' && last.bytes + length <= options.segmentBytes && last.first <= group.first) {
      active = { fd: await disk.append(last.path), segment: last };
      return active;
    }
    if (last?.kind === 'log' && last.bytes === 0) index.remove(last);
    const path = logFile(index.folder, group.first);
    const fd = await disk.create(path);
    const segment: Segment = { path, first: group.first, kind: 'log', bytes: 0, changed: clock.now() };
    index.add(segment);
    active = { fd, segment };
    return active;
  };

  const write = async (group: Group): Promise<void> => {
    const bytes = Buffer.from(group.text, 'utf8');
    for (;;) {
      if (!(await options.makeRoom(bytes.length))) return refuse(group);
      try {
        const { fd, segment } = await segmentFor(group);
        try {
          await disk.write(fd, bytes);
        } catch (error) {
          await disk.truncate(fd, segment.bytes).catch(() => roll());
          throw error;
        }
        segment.bytes += bytes.length;
        segment.changed = clock.now();
        counts.bytes += bytes.length;
        break;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EFBIG' && active && active.segment.bytes > 0) await roll();
        else if ((await options.onFault(error as NodeJS.ErrnoException, group)) === 'refuse') return refuse(group);
      }
    }
    written = group.first + group.records - 1;
    unsynced += group.records;
    dirty = true;
    options.onWritten();
  };

  /** Its records keep their numbers, so that the hole is seen. They are nobody's any more: the input may forget them. */
  const refuse = async (group: Group): Promise<void> => {
    await roll();
    await options.onRefused(group);
    unsynced += group.records;
    if (!dirty) {
      const covered = unsynced;
      unsynced = 0;
      onAccepted(covered);
    }
  };

  const run = async (): Promise<void> => {
    // Lines that come with one read are one group.
    await new Promise((resolve) => setImmediate(resolve));
    while (open.records > 0 || groups.length > 0) {
      if (open.records > 0) close(open);
      const taken = groups;
      groups = [];
      for (const group of taken) {
        await between(() => write(group));
        waiting -= group.text.length;
      }
      counts.groups++;
      if (sync === 'always') await syncNow();
      else syncSoon();
    }
  };

  const ended = (error: unknown): void => {
    failure ??= { error };
  };

  const start = (): Promise<void> => {
    running ??= run()
      .catch(ended)
      .finally(() => {
        running = undefined;
      });
    return running;
  };

  const checked = (): void => {
    if (failure) throw failure.error;
  };

  return {
    counts,
    get next() {
      return next;
    },
    get written() {
      return written;
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
      const done = start();
      return waiting > waitingLength ? done.then(checked) : undefined;
    },
    async flush() {
      while (running) await running;
      checked();
      if (sync !== 'never') await syncNow();
    },
    sync: syncNow,
    roll,
    between,
    async close() {
      closed = true;
      cancelTimer?.();
      while (running) await running;
      if (!failure && sync !== 'never') await syncNow();
      if (active) await disk.close(active.fd);
      active = undefined;
      checked();
    },
  };
}
