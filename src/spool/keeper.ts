import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { openSlate, saveCursor } from './cursor.ts';
import type { Disk } from './disk.ts';
import { addDone, type Done, doneUpTo } from './done.ts';
import { doneSegments, type Index } from './index.ts';
import { isFull, type Reserve } from './reserve.ts';

/** What a keeper is made of. */
export interface KeeperOptions {
  disk: Disk;
  index: Index;
  reserve: Reserve;
  clock: Clock;
  log: Log;
  done: Done;
  /** Delivered records stay for so many milliseconds. */
  keepSent: number;
  /** Another process writes: the folder is looked at before segments are removed. */
  shared: boolean;
  /** Makes the log durable: a cursor must not be ahead of it. */
  syncLog(): Promise<void>;
  onRemoved(): void;
}

/** Keeps the cursor of a spool, and removes what is behind it. */
export interface Keeper {
  readonly done: Done;
  /** What of it the cursor on disk says for certain: nothing else is removed. */
  saved(): Done;
  /** The records `first` to `last` are delivered. */
  delivered(first: number, last: number): void;
  /** Makes the cursor durable, then removes segments of which all is delivered. */
  save(): Promise<void>;
  close(): Promise<void>;
}

/** The cursor is saved this often at most. */
const saveEvery = 1000;
/** Delivered segments that are kept are looked at this often. */
const lookEvery = 60_000;

/** Makes a keeper. */
export function createKeeper(options: KeeperOptions): Keeper {
  const { disk, index, reserve, clock, log, done, keepSent } = options;
  // What is noted at the start may come of the slate, which a power cut takes away: it is saved before it counts.
  let changed = done.upTo > 0 || done.ranges.length > 0;
  let saved = doneUpTo(0);
  let closed = false;
  let saving: Promise<void> | undefined;
  let cancel: (() => void) | undefined;
  const slate = openSlate(disk, index.folder);
  let noting = false;
  let cancelLook: (() => void) | undefined;

  const removeDone = (): void => {
    if (options.shared) index.refresh();
    let removed = false;
    for (const segment of doneSegments(index, saved)) {
      if (keepSent > 0 && segment.kind === 'log' && clock.now() - segment.changed < keepSent) continue;
      index.remove(segment);
      removed = true;
    }
    if (removed) options.onRemoved();
  };

  /**
   * On a full disk without a reserve, the oldest segment of which all is delivered goes first: else none would ever go. Only a power cut at
   * this very moment would have its records told as a loss.
   */
  const saveIn = async (covered: Done): Promise<void> => {
    const save = (): Promise<void> => saveCursor(disk, index.folder, covered);
    try {
      await reserve.use(save);
    } catch (error) {
      if (!isFull(error)) throw error;
      if (options.shared) index.refresh();
      const [oldest] = doneSegments(index, covered);
      if (!oldest) throw error;
      index.remove(oldest);
      await save();
    }
  };

  const saveOnce = async (): Promise<void> => {
    changed = false;
    // Records are delivered meanwhile, too: neither the log nor the cursor on disk is that far then.
    const covered: Done = { upTo: done.upTo, ranges: [...done.ranges] };
    try {
      await options.syncLog();
      await saveIn(covered);
      saved = covered;
      log.recovered('cursor', 'the cursor is saved again');
    } catch (error) {
      changed = true;
      if (!closed) saveSoon();
      throw error;
    }
    removeDone();
    await reserve.fill();
  };

  const save = async (): Promise<void> => {
    cancel?.();
    cancel = undefined;
    while (saving) await saving.catch(() => {});
    if (!changed) return;
    saving = saveOnce().finally(() => {
      saving = undefined;
    });
    await saving;
  };

  const saveSoon = (): void => {
    cancel ??= clock.after(saveEvery, () => {
      cancel = undefined;
      save().catch((error: Error) => {
        log.lost('cursor', `${error.message}: what is delivered may be sent again after a restart`);
        saveSoon();
      });
    });
  };

  const lookLater = (): void => {
    cancelLook = clock.after(
      lookEvery,
      () => {
        removeDone();
        lookLater();
      },
      { idle: true },
    );
  };

  const noteNow = (): void => {
    noting = false;
    if (!closed) slate.note(done);
  };

  if (changed) saveSoon();
  if (keepSent > 0) lookLater();
  return {
    done,
    saved: () => saved,
    delivered(first, last) {
      // What is acknowledged too late is delivered again.
      if (closed) return;
      addDone(done, first, last);
      changed = true;
      if (!noting) setImmediate(noteNow);
      noting = true;
      saveSoon();
    },
    save,
    async close() {
      cancelLook?.();
      cancel?.();
      try {
        await save();
      } finally {
        closed = true;
        cancel?.();
        slate.close();
      }
    },
  };
}
