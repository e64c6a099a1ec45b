import {
  close,
  closeSync,
  constants,
  type FSWatcher,
  fdatasync,
  fdatasyncSync,
  fstat,
  fsyncSync,
  ftruncate,
  futimes,
  open,
  openSync,
  read,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statfsSync,
  statSync,
  watch,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { writeDurably } from '../runtime/durable.ts';
import { fail } from '../runtime/exit.ts';
import { makeFolder } from '../runtime/folder.ts';
import { leaveToOwner, ownerForRoot } from '../runtime/owner.ts';
import { codeOf, inWords } from '../runtime/system-error.ts';
import { aroundBadBlocks } from './bad-blocks.ts';

/** A file in a folder. */
export interface Entry {
  name: string;
  bytes: number;
  /** When it was last written, in milliseconds since 1970. */
  changed: number;
  /** When it was made; as late as `changed` where the file system does not know. */
  born: number;
}

/**
 * All that a spool asks of the file system, so that a test can put itself between: it notes the order of what is written and made
 * durable, fails any step, and takes away what was never synced.
 */
export interface Disk {
  /** The files of a folder, by name; none when the folder is not there. */
  entries(folder: string): Entry[];
  makeFolder(path: string): void;
  /** Makes a new file for writing and its name durable. Rejects with EEXIST when it is there. */
  create(path: string): Promise<number>;
  /** Opens a file for writing; makes it when it is not there. */
  openToWrite(path: string): Promise<number>;
  openToRead(path: string): Promise<number>;
  /** Writes all of it at a position, front to back; a write that the disk cut short goes on, or fails. */
  write(fd: number, bytes: Uint8Array, position: number): Promise<void>;
  /** What has been written to the file is on the disk itself. */
  sync(fd: number): Promise<void>;
  /** Bytes read at a position; 0 at the end. */
  read(fd: number, into: Uint8Array, offset: number, position: number): Promise<number>;
  size(fd: number): Promise<number>;
  /** Cuts a file; it counts as written last at `changed`, in milliseconds since 1970. */
  truncate(fd: number, bytes: number, changed: number): Promise<void>;
  close(fd: number): Promise<void>;
  /** The whole file, or undefined when it is not there. */
  load(path: string): Buffer | undefined;
  /** Bytes of a file, at most `bytes` from a position on; none when it is not there. */
  peek(path: string, position: number, bytes: number): Buffer;
  /** Old or new content, at any moment, power cut included. */
  replace(path: string, text: string): Promise<void>;
  /** A small file whose beginning is written over and over, never synced: what is written there survives the process alone. */
  slate(path: string): { write(text: string): void; close(): void };
  remove(path: string): void;
  /** Bytes that an ordinary user may still fill, and all that the file system has. */
  room(folder: string): { free: number; total: number };
  /** Calls `changed` when something happens in the folder, as far as the system tells. Returns what ends it. */
  watch(folder: string, changed: () => void): () => void;
}

const ownNext = (folder: string): string =>
  `Let it and all in it belong to the user who runs this: chown -R USER ${folder}.`;

/** What helps against what the system says of a file of a spool. */
const nextSteps: Readonly<Record<string, (folder: string) => string>> = {
  EACCES: ownNext,
  EPERM: ownNext,
  EEXIST: () => 'Name a folder.',
  ENOTDIR: () => 'Name a folder.',
};

const refused = (path: string, what: string, error: unknown, folder = dirname(path)): Error =>
  fail('io', `${path}: cannot be ${what}: ${inWords(error)}`, nextSteps[codeOf(error) ?? '']?.(folder), error);

type Callback<T> = (error: NodeJS.ErrnoException | null, value: T) => void;

const promised = <T = void>(start: (done: Callback<T>) => void): Promise<T> =>
  new Promise((resolve, reject) => start((error, value) => (error ? reject(error) : resolve(value))));

function syncFolder(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function entryOf(folder: string, name: string): Entry[] {
  const stat = statSync(join(folder, name), { throwIfNoEntry: false });
  if (!stat?.isFile()) return [];
  const { size, mtimeMs, birthtimeMs } = stat;
  return [{ name, bytes: size, changed: mtimeMs, born: birthtimeMs > 0 ? Math.min(birthtimeMs, mtimeMs) : mtimeMs }];
}

/**
 * A sync that takes less than this many milliseconds, as on an SSD, is not worth a thread and two changes of tasks. On a card it takes
 * 5 to 50, and something else in this process may have to stay alive meanwhile.
 */
const quickSync = 2;
let syncTook = Number.POSITIVE_INFINITY;

/** A link in the folder of somebody else may lead anywhere. */
const toWrite = constants.O_RDWR | constants.O_NOFOLLOW;
const toMake = toWrite | constants.O_CREAT | constants.O_EXCL;

function openOrMake(path: string): number {
  try {
    return openSync(path, toWrite);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
  const fd = openSync(path, toMake, 0o600);
  leaveToOwner(fd, path);
  return fd;
}

const system: Disk = {
  entries(folder) {
    try {
      return readdirSync(folder)
        .sort()
        .flatMap((name) => entryOf(folder, name));
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return [];
      throw refused(folder, 'read', error, folder);
    }
  },
  makeFolder(path) {
    try {
      makeFolder(path);
    } catch (error) {
      throw refused(path, 'made', error, path);
    }
  },
  async create(path) {
    const fd = await promised<number>((done) => open(path, toMake, 0o600, done));
    leaveToOwner(fd, path);
    syncFolder(dirname(path));
    return fd;
  },
  openToWrite: async (path) => openOrMake(path),
  openToRead: (path) => promised<number>((done) => open(path, 'r', done)),
  async write(fd, bytes, position) {
    // Into the system's memory, which takes microseconds; what takes time is the sync.
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, position + at);
  },
  async sync(fd) {
    const quick = syncTook < quickSync;
    const began = process.hrtime();
    if (quick) fdatasyncSync(fd);
    else await promised((done) => fdatasync(fd, (error) => done(error, undefined)));
    const [seconds, nanoseconds] = process.hrtime(began);
    syncTook = seconds * 1000 + nanoseconds / 1e6;
  },
  read: (fd, into, offset, position) =>
    promised<number>((done) => read(fd, into, offset, into.length - offset, position, done)),
  size: async (fd) => (await promised<{ size: number }>((done) => fstat(fd, done))).size,
  async truncate(fd, bytes, changed) {
    await promised((done) => ftruncate(fd, bytes, (error) => done(error, undefined)));
    await promised((done) => futimes(fd, changed / 1000, changed / 1000, () => done(null, undefined)));
  },
  close: (fd) => promised((done) => close(fd, (error) => done(error ?? null, undefined))),
  load(path) {
    try {
      return readFileSync(path);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw refused(path, 'read', error);
    }
  },
  peek(path, position, bytes) {
    const into = Buffer.allocUnsafe(bytes);
    try {
      const fd = openSync(path, 'r');
      try {
        return into.subarray(0, readSync(fd, into, 0, bytes, position));
      } finally {
        closeSync(fd);
      }
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return into.subarray(0, 0);
      throw refused(path, 'read', error);
    }
  },
  async replace(path, text) {
    await writeDurably(path, text, { owner: ownerForRoot(dirname(path)), links: 'refused' });
  },
  slate(path) {
    const fd = openOrMake(path);
    return {
      write: (text) => void writeSync(fd, text, 0),
      close: () => closeSync(fd),
    };
  },
  remove(path) {
    try {
      rmSync(path, { force: true });
    } catch (error) {
      throw refused(path, 'removed', error);
    }
  },
  room(folder) {
    const { bavail, bsize, blocks } = statfsSync(folder);
    return { free: bavail * bsize, total: blocks * bsize };
  },
  watch(folder, changed) {
    let watcher: FSWatcher | undefined;
    try {
      watcher = watch(folder, { persistent: false }, changed);
      watcher.on('error', () => watcher?.close());
    } catch {
      // Not everywhere; who waits looks by itself too.
    }
    return () => watcher?.close();
  },
};

/** The real one. */
export const disk: Disk = aroundBadBlocks(system);
