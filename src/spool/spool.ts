import { createBell } from '../runtime/bell.ts';
import { createFeed } from './feed.ts';
import { countWaiting, createIndex } from './index.ts';
import { createKeeper, type Keeper } from './keeper.ts';
import { type LogOptions, openLog } from './log.ts';
import { withMemory } from './memory.ts';
import { createReader } from './reader.ts';
import { createReserve } from './reserve.ts';
import {
  cursorOf,
  damageSaid,
  type Inlet,
  lookForRoomEvery,
  type Outlet,
  type ReadOptions,
  type SpoolParts,
  underLocks,
} from './sides.ts';
import { statusOf } from './status.ts';

/** Opens both sides, for one process that writes and reads. */
export function openSpool(parts: SpoolParts, options: LogOptions & ReadOptions): Promise<Inlet & Outlet> {
  const { disk, folder, clock, log } = parts;
  return underLocks(parts, ['writer', 'reader'], async (release) => {
    const index = createIndex(disk, folder, log);
    const done = cursorOf(parts, index);
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
      ...parts,
      index,
      reserve,
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
          await keeper.close().finally(release);
        }
      },
    };
  });
}
