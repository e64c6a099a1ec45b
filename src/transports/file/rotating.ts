import { promises } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Clock } from '../../runtime/clock.ts';
import { inWords } from '../../runtime/system-error.ts';
import { type AppendFile, fileFailure, openAppend } from './append.ts';
import { compressFile } from './compress.ts';
import { asideName, asidesOf, momentOf, type Period, periodOf } from './names.ts';

/** How a file grows, and what becomes of it. */
export interface RotatingOptions {
  path: string;
  /** Permissions of a new file, before the umask. */
  mode: number;
  /** Bytes from which a file is put aside before the next write. */
  rotateSize: number | undefined;
  rotateEvery: Period | undefined;
  /** What was put aside is compressed. */
  compress: boolean;
  /** How many of those put aside are kept; undefined: all. */
  keep: number | undefined;
  clock: Clock;
  /** What was put aside could not be compressed or removed: nothing is lost by that. */
  onTrouble(why: string): void;
}

/** A file that is put aside by size and by the calendar. */
export interface RotatingFile {
  /**
   * Appends; `head` goes before it where a file begins. What is put in one call is never divided between two files. Throws exit status 74.
   */
  append(bytes: Uint8Array, head?: Uint8Array): Promise<void>;
  /** Everything appended before is on the disk. */
  sync(): Promise<void>;
  /** Waits for what is being compressed, too. */
  close(): Promise<void>;
}

/** Opens the file; it is made when it is not there, its folder is not. One call at a time. */
export async function openRotating(options: RotatingOptions): Promise<RotatingFile> {
  const { path, mode, rotateSize, rotateEvery, clock } = options;
  let file: AppendFile = await openAppend(path, mode);
  let period = await periodAtStart();
  let chores: Promise<void> = tidy(options);

  /** A file of yesterday is put aside with yesterday's name. */
  async function periodAtStart(): Promise<string | undefined> {
    if (!rotateEvery) return undefined;
    const since = file.continued ? (await promises.stat(path)).mtimeMs : clock.now();
    return periodOf(since, rotateEvery);
  }

  async function replace(): Promise<void> {
    await file.sync();
    await file.close();
    file = await openAppend(path, mode);
    if (rotateEvery) period = periodOf(clock.now(), rotateEvery);
  }

  async function putAside(stamp: string): Promise<void> {
    try {
      await promises.rename(path, asideName(path, stamp, await promises.readdir(dirname(path))));
    } catch (error) {
      throw fileFailure(path, error);
    }
    await replace();
    chores = chores.then(() => tidy(options));
  }

  async function rotate(coming: number): Promise<void> {
    if (!(await file.isThere())) return replace();
    if (file.size === 0) {
      if (rotateEvery) period = periodOf(clock.now(), rotateEvery);
      return;
    }
    if (rotateEvery && period !== periodOf(clock.now(), rotateEvery)) return putAside(period!);
    if (rotateSize !== undefined && file.size + coming > rotateSize) return putAside(momentOf(clock.now()));
  }

  return {
    async append(bytes, head) {
      await rotate(bytes.length);
      const whole = head && file.size === 0 ? Buffer.concat([head, bytes]) : bytes;
      await file.append(whole);
    },
    sync: () => file.sync(),
    async close() {
      await file.close();
      await chores;
    },
  };
}

/** Compresses what was put aside, also by a run that was cut off, and removes what is too much. */
async function tidy({ path, compress, keep, onTrouble }: RotatingOptions): Promise<void> {
  if (!compress && keep === undefined) return;
  const folder = dirname(path);
  try {
    const aside = asidesOf(path, await promises.readdir(folder));
    const oldestFirst = [...new Set(aside.map(({ name }) => name))];
    const doomed = new Set(oldestFirst.slice(0, Math.max(0, oldestFirst.length - (keep ?? oldestFirst.length))));
    for (const { name, packed } of aside) {
      if (doomed.has(name)) await promises.rm(join(folder, packed ? `${name}.gz` : name), { force: true });
      else if (compress && !packed) await compressFile(join(folder, name));
    }
  } catch (error) {
    onTrouble(inWords(error));
  }
}
