import type { Clock } from '../runtime/clock.ts';
import { fail } from '../runtime/exit.ts';
import { inWords } from '../runtime/system-error.ts';
import type { Disk } from './disk.ts';

/** When what was written is made durable: after each group, at most so many milliseconds later, or when the system likes. */
export type Sync = 'always' | 'never' | number;

/** Makes what is written durable, and tells how many records that covers. */
export interface Commit {
  /** Records were written to the open file. */
  wrote(records: number): void;
  /** Records need not be written; they count as accepted in their order. */
  passed(records: number): void;
  /** Commits as `--sync` says. */
  due(): Promise<void>;
  /** Commits at once, unless it never shall. */
  now(): Promise<void>;
  /** Nothing is committed by a timer any more. */
  stop(): void;
  /** Times that a file was synced. */
  readonly syncs: number;
  /** Milliseconds that these took together. */
  readonly took: number;
}

/**
 * One sync for all that was written since the last one.
 *
 * @param fd the file that is being written
 * @param onFailed a sync that a timer had started went wrong
 */
export function createCommit(
  disk: Pick<Disk, 'sync'>,
  clock: Clock,
  sync: Sync,
  fd: () => number | undefined,
  onAccepted: (records: number) => void,
  onFailed: (error: unknown) => void,
): Commit {
  let open = 0;
  let dirty = false;
  let syncs = 0;
  let took = 0;
  /** A sync went wrong: what was written is not accepted any more. */
  let broken = false;
  let syncing: Promise<void> | undefined;
  let cancel: (() => void) | undefined;

  const accept = (records: number): void => {
    if (broken) return;
    open -= records;
    if (records > 0) onAccepted(records);
  };

  const now = async (): Promise<void> => {
    cancel?.();
    cancel = undefined;
    if (sync === 'never') return accept(open);
    // One at a time, so that what is accepted stays in order.
    while (syncing) await syncing;
    const file = fd();
    // What needed no writing came while another sync ran.
    if (!dirty) return accept(open);
    if (file === undefined) return;
    const covered = open;
    dirty = false;
    syncs++;
    const began = clock.monotonic();
    syncing = disk
      .sync(file)
      // Whether the bytes are there is not known then, and asking again would not tell.
      .catch((error: NodeJS.ErrnoException) => {
        broken = true;
        throw fail('io', `the log cannot be made durable: ${inWords(error)}`, undefined, error);
      })
      .finally(() => {
        took += clock.monotonic() - began;
        syncing = undefined;
      });
    await syncing;
    accept(covered);
  };

  return {
    get syncs() {
      return syncs;
    },
    get took() {
      return took;
    },
    wrote(records) {
      open += records;
      dirty = true;
    },
    passed(records) {
      open += records;
      if (!dirty && !syncing) accept(open);
    },
    async due() {
      if (typeof sync !== 'number') return now();
      cancel ??= clock.after(sync, () => {
        cancel = undefined;
        void now().catch(onFailed);
      });
    },
    now,
    stop() {
      cancel?.();
    },
  };
}
