import { createBell } from '../runtime/bell.ts';
import { createFeed } from './feed.ts';
import { countWaiting, createIndex } from './index.ts';
import { createKeeper } from './keeper.ts';
import { newestOnDisk } from './newest.ts';
import { createReader } from './reader.ts';
import { createReserve } from './reserve.ts';
import { cursorOf, damageSaid, type Outlet, type ReadOptions, type SpoolParts, underLocks } from './sides.ts';
import { statusOf } from './status.ts';

/** The folder is looked at this often, where the system does not tell of changes. */
const lookEvery = 1000;

/** Opens the reading side alone; another process may write meanwhile. */
export function openOutlet(parts: SpoolParts, options: ReadOptions): Promise<Outlet> {
  const { disk, folder, clock, log } = parts;
  return underLocks(parts, ['reader'], async (release) => {
    const index = createIndex(disk, folder, log);
    const done = cursorOf(parts, index);
    const bell = createBell();
    const reserve = createReserve(disk, folder);
    const keeper = createKeeper({
      ...parts,
      index,
      reserve,
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
        await keeper.close().finally(release);
      },
    };
  });
}
