import type { Bell } from '../runtime/bell.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { loadCursor } from './cursor.ts';
import type { Disk } from './disk.ts';
import type { Done } from './done.ts';
import type { Feed, Order } from './feed.ts';
import { beginning, type Index } from './index.ts';
import type { Keeper } from './keeper.ts';
import { removeLeftovers } from './leftovers.ts';
import { lockSide } from './lock-side.ts';
import type { Status } from './status.ts';
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

/** Another process may have made room, or saved its cursor. */
export const lookForRoomEvery = 250;

/** Where the reading side of a spool stands. */
export function cursorOf({ disk, folder, log }: SpoolParts, index: Index): Done {
  const { cursor, damaged } = loadCursor(disk, folder);
  if (damaged) log.warn('cursor.json is damaged: what was delivered before may be delivered again');
  return cursor ?? beginning(index);
}

/** Says that a piece was damaged. */
export const damageSaid =
  ({ log, onDamaged }: SpoolParts) =>
  (bytes: number, kept: boolean): void => {
    log.warn(
      `damaged: ${bytes} bytes are left out${kept ? '; they are in quarantine/' : ', and quarantine/ takes no more'}`,
    );
    onDamaged?.(bytes);
  };

/**
 * Opens sides of a spool under their locks; makes the folder when it is not there. `open` gets what gives the locks back, which is also done
 * when it rejects. Throws exit status 75 when somebody else has one of them.
 */
export async function underLocks<T>(
  { disk, folder }: Pick<SpoolParts, 'disk' | 'folder'>,
  sides: readonly ('writer' | 'reader')[],
  open: (release: () => Promise<void>) => Promise<T>,
): Promise<T> {
  disk.makeFolder(folder);
  const releases: (() => Promise<void>)[] = [];
  const release = async (): Promise<void> => {
    for (const one of releases.splice(0)) await one();
  };
  try {
    for (const side of sides) releases.push(await lockSide(disk, folder, side));
    for (const side of sides) removeLeftovers(disk, folder, side);
    return await open(release);
  } catch (error) {
    await release();
    throw error;
  }
}
