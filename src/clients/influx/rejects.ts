import { closeSync, openSync, write as writeTo } from 'node:fs';
import { promisify } from 'node:util';
import type { Clock } from '../../runtime/clock.ts';
import { fail } from '../../runtime/exit.ts';
import type { Log } from '../../runtime/log.ts';
import { inWords } from '../../runtime/system-error.ts';
import type { Reject } from './delivery.ts';

/** Where lines go that the server will never take. */
export interface RejectsFile {
  /** Resolves when they are written: they are nowhere else afterwards. Rejects with exit status 74 when they can't be. */
  keep(rejects: readonly Reject[], time: string): Promise<void>;
  close(): void;
}

/** Rejected lines that are said one by one; the rest is counted. */
const said = 5;
/** Milliseconds before a full pipe that does not wait is tried again. */
const fullPipe = 5;
const writeSome = promisify(writeTo);

/**
 * Appends rejected lines to a file, or to a descriptor when `where` is a number: `{time, reason, line}` each, in JSON. Without
 * `where` they are only said.
 *
 * @param deadline a reader that takes nothing is not waited for any longer
 */
export function createRejects(
  where: string | undefined,
  log: Log,
  clock: Pick<Clock, 'sleep'>,
  deadline: AbortSignal,
): RejectsFile {
  const isDescriptor = where !== undefined && /^\d+$/.test(where);
  let descriptor: number | undefined;
  let count = 0;

  const open = (path: string): number => {
    if (isDescriptor) return Number(path);
    try {
      return openSync(path, 'a', 0o600);
    } catch (error) {
      throw failed(error);
    }
  };

  const failed = (error: unknown): Error => fail('io', `--rejects ${where}: cannot be written: ${inWords(error)}`);

  const givenUp = new Promise<never>((_, reject) => {
    const giveUp = (): void =>
      reject(fail('io', `--rejects ${where}: its reader takes nothing, and lines that the server rejects are lost`));
    if (deadline.aborted) giveUp();
    else deadline.addEventListener('abort', giveUp, { once: true });
  });
  givenUp.catch(() => {});

  const append = async (text: string): Promise<void> => {
    descriptor ??= open(where!);
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; ) {
      try {
        at += (await writeSome(descriptor, bytes, at)).bytesWritten;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw failed(error);
        await clock.sleep(fullPipe, deadline);
      }
    }
  };

  /** One after the other, so that no line stands within another. */
  let turn = Promise.resolve();
  const write = (text: string): Promise<void> => {
    turn = turn.then(() => append(text));
    return Promise.race([turn, givenUp]);
  };

  return {
    async keep(rejects, time) {
      if (where !== undefined) {
        await write(rejects.map(({ line, reason }) => `${JSON.stringify({ time, reason, line })}\n`).join(''));
      }
      for (const { line, reason } of rejects) {
        count++;
        if (count <= said)
          log.warn('the server rejects a line', { reason, line: where === undefined ? line : undefined });
        else if (count === said + 1) log.warn('further lines are rejected; they are counted');
      }
    },
    close() {
      if (descriptor !== undefined && !isDescriptor) closeSync(descriptor);
    },
  };
}
