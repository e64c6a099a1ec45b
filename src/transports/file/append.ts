import { promises } from 'node:fs';
import { fail } from '../../runtime/exit.ts';
import { inWords } from '../../runtime/system-error.ts';

/** A file that only grows. */
export interface AppendFile {
  readonly size: number;
  /** Whether it was there and held something. */
  readonly continued: boolean;
  /** All of it or nothing: what a full disk took of it is taken back, so that no line is cut. Throws exit status 74. */
  append(bytes: Uint8Array): Promise<void>;
  /** Resolves when the disk has it. Throws exit status 74. */
  sync(): Promise<void>;
  /** Looks whether the path still leads to this file, and how long it is: logrotate may have moved it, or emptied it (copytruncate). */
  isThere(): Promise<boolean>;
  close(): Promise<void>;
}

/** What says more here. A file that is not there is made: what is missing is its folder. */
const reasons: Readonly<Record<string, string>> = {
  EIO: 'the disk is broken or gone',
  ENODEV: 'the disk is broken or gone',
  ENOENT: 'the folder is not there',
  ENOTDIR: 'the folder is none',
};

const nextSteps: Readonly<Record<string, string>> = {
  ENOSPC: 'Make room, or rotate with --rotate-size and --keep.',
  ENOENT: 'Make it, or mount the disk that holds it.',
};

/** What a system error of the file means: exit status 74. */
export function fileFailure(path: string, error: unknown): Error {
  const { code = '' } = error as NodeJS.ErrnoException;
  return fail('io', `${path}: cannot be written: ${inWords(error, reasons)}`, nextSteps[code], error);
}

const newline = 0x0a;

/** Opens a file for appending; a line that a power cut has left without its end is ended first. */
export async function openAppend(path: string, mode: number): Promise<AppendFile> {
  const attempt = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw fileFailure(path, error);
    }
  };
  const file = await attempt(() => promises.open(path, 'a+', mode));
  const stat = await attempt(() => file.stat());
  let size = stat.size;

  const append = async (bytes: Uint8Array): Promise<void> => {
    let done = 0;
    try {
      // A disk that fills up takes a part first.
      while (done < bytes.length) done += (await file.write(bytes, done)).bytesWritten;
    } catch (error) {
      if (done > 0) await file.truncate(size).catch(() => {});
      throw fileFailure(path, error);
    }
    size += bytes.length;
  };

  if (size > 0 && stat.isFile()) {
    const last = Buffer.alloc(1);
    await attempt(() => file.read(last, 0, 1, size - 1));
    if (last[0] !== newline) await append(Uint8Array.of(newline));
  }
  return {
    get size() {
      return size;
    },
    continued: stat.size > 0,
    append,
    sync: () => attempt(() => file.datasync()),
    async isThere() {
      const now = await promises.stat(path).catch(() => undefined);
      if (now === undefined || now.ino !== stat.ino || now.dev !== stat.dev) return false;
      if (stat.isFile()) size = now.size;
      return true;
    },
    close: () => file.close().catch(() => {}),
  };
}
