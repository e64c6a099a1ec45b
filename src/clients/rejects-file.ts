import { closeSync, openSync, write as writeTo } from 'node:fs';
import { promisify } from 'node:util';
import type { Clock } from '../runtime/clock.ts';
import { fail } from '../runtime/exit.ts';
import { inWords } from '../runtime/system-error.ts';

/** Something that a far side will never take, as it was sent, and why. */
interface Reject {
  line: string;
  reason: string;
}

/** Where it goes then. */
export interface RejectsFile {
  /** Resolves when they are written: they are nowhere else afterwards. Rejects with exit status 74 when they can't be. */
  keep(rejects: readonly Reject[], time: string): Promise<void>;
  close(): void;
}

/** Milliseconds before a full pipe that does not wait is tried again. */
const fullPipe = 5;
const writeSome = promisify(writeTo);

/**
 * Appends `{time, reason, line}`, in JSON, to a file, or to a descriptor when `where` is a number. It is opened by the first of them.
 *
 * @param deadline a reader that takes nothing is not waited for any longer
 */
export function openRejectsFile(where: string, clock: Pick<Clock, 'sleep'>, deadline: AbortSignal): RejectsFile {
  const isDescriptor = /^\d+$/.test(where);
  let descriptor: number | undefined;

  const open = (): number => {
    if (isDescriptor) return Number(where);
    try {
      return openSync(where, 'a', 0o600);
    } catch (error) {
      throw failed(error);
    }
  };

  const failed = (error: unknown): Error => fail('io', `--rejects ${where}: cannot be written: ${inWords(error)}`);

  const givenUp = new Promise<never>((_, reject) => {
    const giveUp = (): void =>
      reject(fail('io', `--rejects ${where}: its reader takes nothing, and what was rejected is lost`));
    if (deadline.aborted) giveUp();
    else deadline.addEventListener('abort', giveUp, { once: true });
  });
  givenUp.catch(() => {});

  const append = async (text: string): Promise<void> => {
    descriptor ??= open();
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

  return {
    keep(rejects, time) {
      const text = rejects.map(({ line, reason }) => `${JSON.stringify({ time, reason, line })}\n`).join('');
      turn = turn.then(() => append(text));
      return Promise.race([turn, givenUp]);
    },
    close() {
      if (descriptor !== undefined && !isDescriptor) closeSync(descriptor);
    },
  };
}
