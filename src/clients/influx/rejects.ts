import { closeSync, openSync, writeSync } from 'node:fs';
import { fail } from '../../runtime/exit.ts';
import type { Log } from '../../runtime/log.ts';
import type { Reject } from './delivery.ts';

/** Where lines go that the server will never take. */
export interface RejectsFile {
  /** Writes them before it returns: they are nowhere else afterwards. Throws exit status 74 when it can't. */
  keep(rejects: readonly Reject[], time: string): void;
  close(): void;
}

/** Rejected lines that are said one by one; the rest is counted. */
const said = 5;
/** Never woken: to wait on it is to sleep. */
const sleeper = new Int32Array(new SharedArrayBuffer(4));

/**
 * Appends rejected lines to a file, or to a descriptor when `where` is a number: `{time, reason, line}` each, in JSON. Without
 * `where` they are only said.
 */
export function createRejects(where: string | undefined, log: Log): RejectsFile {
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

  const failed = (error: unknown): Error =>
    fail('io', `--rejects ${where}: cannot be written: ${(error as NodeJS.ErrnoException).code}`);

  const write = (text: string): void => {
    descriptor ??= open(where!);
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; ) {
      try {
        at += writeSync(descriptor, bytes, at);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw failed(error);
        // A pipe that does not wait, and is full: its reader is behind.
        Atomics.wait(sleeper, 0, 0, 5);
      }
    }
  };

  return {
    keep(rejects, time) {
      if (where !== undefined) {
        write(rejects.map(({ line, reason }) => `${JSON.stringify({ time, reason, line })}\n`).join(''));
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
