import type { Clock } from '../../runtime/clock.ts';
import type { Log } from '../../runtime/log.ts';
import { openRejectsFile, type RejectsFile } from '../rejects-file.ts';

/** Rejected lines that are said one by one; the rest is counted. */
const said = 5;

/**
 * Keeps lines that the server will never take, and says the first of them. Without `where` they are only said.
 *
 * @param deadline a reader that takes nothing is not waited for any longer
 */
export function createRejects(
  where: string | undefined,
  log: Log,
  clock: Pick<Clock, 'sleep'>,
  deadline: AbortSignal,
): RejectsFile {
  const file = where === undefined ? undefined : openRejectsFile(where, clock, deadline);
  let count = 0;
  return {
    async keep(rejects, time) {
      await file?.keep(rejects, time);
      for (const { line, reason } of rejects) {
        count++;
        if (count <= said) log.warn('the server rejects a line', { reason, line: file ? undefined : line });
        else if (count === said + 1) log.warn('further lines are rejected; they are counted');
      }
    },
    close: () => file?.close(),
  };
}
