import { covers, type Done } from './done.ts';
import { foreignCursor } from './foreign-cursor.ts';
import { createIndex } from './index.ts';
import { type LogOptions, openLog } from './log.ts';
import { createReserve } from './reserve.ts';
import { type Inlet, lookForRoomEvery, type SpoolParts, underLocks } from './sides.ts';
import { statusOf } from './status.ts';

/** So often a writer looks whether a cursor that was noted is saved. */
const looksForCursor = 6;

/** Opens the writing side alone; another process may read meanwhile. */
export function openInlet(parts: SpoolParts, options: LogOptions): Promise<Inlet> {
  const { disk, folder, clock, log } = parts;
  return underLocks(parts, ['writer'], async (release) => {
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
      close: () => opened.close().finally(release),
    };
  });
}
