import { createHash } from 'node:crypto';
import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Clock } from '../../runtime/clock.ts';
import { fail } from '../../runtime/exit.ts';
import { openRotating, type RotatingFile } from '../../transports/file/rotating.ts';
import { frames } from './frames.ts';
import { type Link, neverLost, type Session, type Verdict } from './link.ts';
import type { LinkSettings } from './settings.ts';
import { pathOf } from './target.ts';

const limits = { records: 1000, bytes: 128 * 1024 };
const mode = 0o644;
/** Portions under way; when half of them wait for the disk, the next sync comes early, so that a large backlog is not held up. */
const maxUnsynced = 16;

/** `file:///path`: records appended to a file. */
export function fileLink({ target, payload, opts, clock, log, lock }: LinkSettings): Link {
  const path = pathOf(target);
  const frame = frames[opts.frame ?? 'lf'];
  return {
    name: target.shown,
    window: maxUnsynced,
    limits,
    keeps: true,
    async open() {
      const { rotateSize, rotateEvery, compress, keep } = opts;
      // Two writers would put the file aside below each other.
      const release = await lock(`send-${nameOf(path)}`);
      const file = await openRotating({
        path,
        mode,
        rotateSize,
        rotateEvery,
        compress,
        keep,
        clock,
        onTrouble: (why) => log.warn(`${path}: what was put aside could not be tidied up: ${why}`),
      });
      const head = (): Buffer | undefined => {
        const names = payload.head();
        return names === undefined ? undefined : frame.bytes([names]);
      };
      return session(file, frame.bytes, head, opts.sync, clock, release);
    },
  };
}

/** A path as the name of a lock, the same for every way to write it. */
function nameOf(path: string): string {
  const folder = dirname(resolve(path));
  const real = existsSync(folder) ? realpathSync(folder) : folder;
  return createHash('sha256')
    .update(join(real, basename(path)))
    .digest('hex')
    .slice(0, 16);
}

interface Written {
  resolve(verdict: Verdict): void;
}

function session(
  file: RotatingFile,
  bytes: (payloads: readonly string[]) => Buffer,
  head: () => Buffer | undefined,
  syncEvery: number | undefined,
  clock: Clock,
  release: () => Promise<void>,
): Session {
  let writing: Promise<unknown> = Promise.resolve();
  let unsynced: Written[] = [];
  let planned: (() => void) | undefined;

  /** One write or sync at a time. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = writing.then(work);
    writing = done.catch(() => {});
    return done;
  };

  const broken = (error: unknown): Verdict => {
    const failure = error instanceof Error ? error : fail('io', String(error));
    return { kind: 'broken', status: 'failed', message: failure.message, error: failure };
  };

  const sync = (): Promise<void> => {
    planned?.();
    planned = undefined;
    return inTurn(async () => {
      const covered = unsynced;
      unsynced = [];
      const verdict = await file.sync().then((): Verdict => ({ kind: 'delivered', status: 'synced' }), broken);
      for (const { resolve } of covered) resolve(verdict);
    });
  };

  const close = (): Promise<void> => inTurn(() => file.close().finally(release));

  return {
    lost: neverLost,
    deliver: ({ payloads }) =>
      new Promise((resolve) => {
        const append = inTurn(() => file.append(bytes(payloads), head()));
        append.then(
          () => {
            if (syncEvery === undefined) return resolve({ kind: 'delivered', status: 'written' });
            unsynced.push({ resolve });
            if (syncEvery === 0 || unsynced.length >= maxUnsynced / 2) void sync();
            else planned ??= clock.after(syncEvery, () => void sync());
          },
          (error: unknown) => resolve(broken(error)),
        );
      }),
    flush: () => void sync(),
    async end() {
      await close();
      return undefined;
    },
    abandon: () => void close(),
  };
}
