import { type Bell, createBell } from '../runtime/bell.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { loadCursor } from './cursor.ts';
import type { Disk } from './disk.ts';
import { covers, type Done } from './done.ts';
import { createFeed, type Feed, type Order } from './feed.ts';
import { foreignCursor } from './foreign-cursor.ts';
import { beginning, countWaiting, createIndex, type Index } from './index.ts';
import { createKeeper, type Keeper } from './keeper.ts';
import { removeLeftovers } from './leftovers.ts';
import { lockSide } from './lock-side.ts';
import { type LogOptions, openLog } from './log.ts';
import { withMemory } from './memory.ts';
import { newestOnDisk } from './newest.ts';
import { createReader } from './reader.ts';
import { createReserve } from './reserve.ts';
import { type Status, statusOf } from './status.ts';
import type { Writer } from './writer.ts';

/** What happens in a spool, for metrics. */
export interface SpoolEvents {
  /** So many more records of the input are in its hands. */
  onAccepted?(records: number): void;
  onDropped?(count: number, reason: string): void;
  onDamaged?(bytes: number): void;
}

/** What every way to open a spool needs. */
export interface SpoolParts extends SpoolEvents {
  folder: string;
  disk: Disk;
  clock: Clock;
  log: Log;
}

/** How records leave it. */
export interface ReadOptions {
  order: Order;
  drainRate: number | undefined;
  keepSent: number;
}

/** The reading side of a spool. */
export interface Outlet {
  feed: Feed;
  keeper: Keeper;
  /** Rings when there may be more to read. */
  bell: Bell;
  /** How many records wait for delivery. */
  backlog(): number;
  status(): Status;
  index: Index;
  close(): Promise<void>;
}

/** The writing side of a spool. */
export interface Inlet {
  writer: Writer;
  status(): Status;
  index: Index;
  close(): Promise<void>;
}

const cursorOf = ({ disk, folder, log }: SpoolParts, index: Index, move: boolean): Done => {
  const { cursor, damaged } = loadCursor(disk, folder, move);
  if (damaged) log.warn('cursor.json is damaged: what was delivered before may be delivered again');
  return cursor ?? beginning(index);
};

const damageSaid =
  ({ log, onDamaged }: SpoolParts) =>
  (bytes: number, kept: boolean) => {
    log.warn(
      `damaged: ${bytes} bytes are left out${kept ? '; they are in quarantine/' : ', and quarantine/ takes no more'}`,
    );
    onDamaged?.(bytes);
  };

/** Opens both sides, for one process that writes and reads. */
export async function openSpool(
  parts: SpoolParts,
  options: LogOptions & ReadOptions,
): Promise<Inlet & Outlet & { close(): Promise<void> }> {
  const { disk, folder, clock, log } = parts;
  disk.makeFolder(folder);
  const releases = [await lockSide(disk, folder, 'writer')];
  try {
    releases.push(await lockSide(disk, folder, 'reader'));
    for (const side of ['writer', 'reader'] as const) removeLeftovers(disk, folder, side);
    const index = createIndex(disk, folder, log);
    const done = cursorOf(parts, index, true);
    const reserve = createReserve(disk, folder);
    const bell = createBell();
    const room = createBell();
    let keeper: Keeper;
    const opened = await openLog({
      ...options,
      disk,
      index,
      reserve,
      shared: false,
      clock,
      log,
      done: () => done,
      saved: () => keeper.saved(),
      tidy: () =>
        keeper.save().then(
          () => true,
          () => false,
        ),
      roomMade() {
        clock.after(lookForRoomEvery, room.ring);
        return room.heard();
      },
      onWritten: () => bell.ring(),
      onAccepted: (records) => parts.onAccepted?.(records),
      onDropped: (count, reason) => parts.onDropped?.(count, reason),
    });
    const { writer } = opened;
    keeper = createKeeper({
      disk,
      index,
      reserve,
      clock,
      log,
      done,
      keepSent: options.keepSent,
      shared: false,
      syncLog: () => (options.sync === 'never' ? Promise.resolve() : writer.sync()),
      onRemoved: () => room.ring(),
    });
    await reserve.fill();
    const written = (): number => writer.written;
    const newest = (): number =>
      Math.max(writer.stuck() ? writer.next - 1 : writer.written, index.segments.at(-1)?.last ?? 0);
    const feed = createFeed({
      ...options,
      clock,
      done: () => done,
      newest,
      reader: (from) =>
        withMemory(
          createReader({ disk, index, written, from, now: () => clock.now(), onDamaged: damageSaid(parts) }),
          writer,
        ),
    });
    return {
      writer,
      index,
      feed,
      keeper,
      bell,
      backlog: () => countWaiting(index, done, newest()),
      status: () => statusOf(index, done, newest()),
      async close() {
        try {
          await opened.close();
        } finally {
          await feed.close();
          await keeper.close().finally(() => releaseAll(releases));
        }
      },
    };
  } catch (error) {
    await releaseAll(releases);
    throw error;
  }
}

/** Another process may have made room. */
const lookForRoomEvery = 250;
/** So often a writer looks whether a cursor that was noted is saved. */
const looksForCursor = 6;

async function releaseAll(releases: (() => Promise<void>)[]): Promise<void> {
  for (const release of releases.splice(0)) await release();
}

/** Opens the writing side alone; another process may read meanwhile. */
export async function openInlet(parts: SpoolParts, options: LogOptions): Promise<Inlet> {
  const { disk, folder, clock, log } = parts;
  disk.makeFolder(folder);
  const releases = [await lockSide(disk, folder, 'writer')];
  try {
    removeLeftovers(disk, folder, 'writer');
    const index = createIndex(disk, folder, log);
    const { done, saved } = foreignCursor(parts, index);
    /** So far its reader had come, and did not save it when it was waited for. */
    let neverSaved: Done | undefined;
    const reserve = createReserve(disk, folder);
    await reserve.fill();
    const opened = await openLog({
      ...options,
      disk,
      index,
      reserve,
      shared: true,
      clock,
      log,
      // What the slate says too: to give up what nobody has would be worse than a gap too many after a power cut.
      done,
      saved,
      // Its reader saves what it has noted, within a second if it lives.
      async tidy() {
        const noted = done();
        if (neverSaved && covers(neverSaved, noted)) return false;
        for (let looks = 0; !covers(saved(), noted); looks++) {
          if (looks === looksForCursor) {
            neverSaved = noted;
            return false;
          }
          await clock.sleep(lookForRoomEvery);
        }
        index.refresh();
        return true;
      },
      roomMade: () => clock.sleep(lookForRoomEvery),
      onWritten() {},
      onAccepted: (records) => parts.onAccepted?.(records),
      onDropped: (count, reason) => parts.onDropped?.(count, reason),
    });
    return {
      writer: opened.writer,
      // As the folder is now: its reader removes there, and the writer's own index is left to the writer.
      status() {
        const now = createIndex(disk, folder);
        return statusOf(now, done(), Math.max(opened.writer.written, now.segments.at(-1)?.last ?? 0));
      },
      index,
      close: () => opened.close().finally(() => releaseAll(releases)),
    };
  } catch (error) {
    await releaseAll(releases);
    throw error;
  }
}

/** The folder is looked at this often, where the system does not tell of changes. */
const lookEvery = 1000;

/** Opens the reading side alone; another process may write meanwhile. */
export async function openOutlet(parts: SpoolParts, options: ReadOptions): Promise<Outlet> {
  const { disk, folder, clock, log } = parts;
  disk.makeFolder(folder);
  const releases = [await lockSide(disk, folder, 'reader')];
  try {
    removeLeftovers(disk, folder, 'reader');
    const index = createIndex(disk, folder, log);
    const done = cursorOf(parts, index, true);
    const bell = createBell();
    const reserve = createReserve(disk, folder);
    const keeper = createKeeper({
      disk,
      index,
      reserve,
      clock,
      log,
      done,
      keepSent: options.keepSent,
      shared: true,
      async syncLog() {},
      onRemoved() {},
    });
    await reserve.fill();
    const feed = createFeed({
      ...options,
      clock,
      done: () => done,
      newest: () => newestOnDisk(disk, index),
      reader: (from) => createReader({ disk, index, from, now: () => clock.now(), onDamaged: damageSaid(parts) }),
    });
    const unwatch = disk.watch(folder, () => bell.ring());
    let cancel = (): void => {};
    const look = (): void => {
      cancel = clock.after(lookEvery, () => {
        bell.ring();
        look();
      });
    };
    look();
    return {
      feed,
      keeper,
      bell,
      index,
      backlog: () => countWaiting(index, done, newestOnDisk(disk, index)),
      status: () => statusOf(index, done, newestOnDisk(disk, index)),
      async close() {
        unwatch();
        cancel();
        await feed.close();
        await keeper.close().finally(() => releaseAll(releases));
      },
    };
  } catch (error) {
    await releaseAll(releases);
    throw error;
  }
}
