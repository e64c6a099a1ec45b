import type { Clock } from '../runtime/clock.ts';
import type { Disk } from './disk.ts';
import type { Index } from './index.ts';
import { logFile, type Segment } from './segments.ts';

/** The segment that is being written. */
export interface Tip {
  /** Its file, when one is open. */
  fd(): number | undefined;
  /**
   * Appends lines, of which the first record is `first`; none of them stays there when that fails. A segment that is full gives way to
   * a new one, if it can at the beginning of a commit: so that one commit needs one sync.
   */
  append(bytes: Buffer, first: number, beginning: boolean): Promise<void>;
  /** Ends it: the next record begins a new one, or goes on in this one if that is not full. */
  roll(): Promise<void>;
  /** Ends it for good. False: nothing is in it. */
  seal(): Promise<boolean>;
  close(): Promise<void>;
}

/** What a segment may grow beyond its size within one commit, where segments are large enough for that. */
const slack = 1024 * 1024;

/**
 * Opens and ends segments.
 *
 * @param commit makes what is in the open file durable
 */
export function createTip(
  disk: Disk,
  index: Index,
  clock: Clock,
  segmentBytes: number,
  commit: () => Promise<void>,
): Tip {
  let open: { fd: number; segment: Segment } | undefined;
  /** A segment that the system lets grow no further. */
  let sealed: string | undefined;
  const most = segmentBytes >= 2 * slack ? segmentBytes + slack : segmentBytes;

  const close = async (): Promise<void> => {
    const was = open;
    open = undefined;
    if (was) await disk.close(was.fd);
  };

  const roll = async (): Promise<void> => {
    if (!open) return;
    await commit();
    await close();
  };

  const segmentFor = async (length: number, first: number, beginning: boolean): Promise<NonNullable<typeof open>> => {
    const limit = beginning ? segmentBytes : most;
    if (open && open.segment.bytes > 0 && open.segment.bytes + length > limit) await roll();
    if (open) return open;
    const last = index.segments.at(-1);
    if (last?.kind === 'log' && last.path !== sealed && last.first <= first && last.bytes + length <= segmentBytes) {
      open = { fd: await disk.append(last.path), segment: last };
      return open;
    }
    if (last?.kind === 'log' && last.bytes === 0) index.remove(last);
    const path = logFile(index.folder, first);
    const fd = await disk.create(path);
    const segment: Segment = { path, first, kind: 'log', bytes: 0, changed: clock.now() };
    index.add(segment);
    open = { fd, segment };
    return open;
  };

  return {
    fd: () => open?.fd,
    async append(bytes, first, beginning) {
      const { fd, segment } = await segmentFor(bytes.length, first, beginning);
      try {
        await disk.write(fd, bytes);
      } catch (error) {
        await disk.truncate(fd, segment.bytes).catch(roll);
        throw error;
      }
      segment.bytes += bytes.length;
      segment.changed = clock.now();
    },
    roll,
    async seal() {
      if (!open || open.segment.bytes === 0) return false;
      sealed = open.segment.path;
      await roll();
      return true;
    },
    close,
  };
}
