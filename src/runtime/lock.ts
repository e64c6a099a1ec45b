import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fail } from './exit.ts';

/** Who holds a lock. */
interface Holder {
  pid: number;
  /** When the process started, in ticks since boot: a process id is used again, this pair is not. */
  started: string | undefined;
}

const thisProcess = (): Holder => ({ pid: process.pid, started: startOf(process.pid) });

/** Start time of a process, undefined where /proc is not to be had or the process is not. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field, the command in parentheses, may hold anything; the start time is the 20th after it.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

function isAlive(holder: Holder): boolean {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return holder.started === undefined || startOf(holder.pid) === undefined || startOf(holder.pid) === holder.started;
}

function readHolder(path: string): Holder | undefined {
  try {
    const holder = JSON.parse(readFileSync(`${path}.holder`, 'utf8')) as Holder;
    return typeof holder.pid === 'number' ? holder : undefined;
  } catch {
    return undefined;
  }
}

/** How long a lock is worth trying for. */
export interface LockOptions {
  /** Milliseconds to keep trying (default 0: once). */
  wait?: number;
  /** Called when the lock was lost while held (a suspended machine). */
  onLost?: (error: Error) => void;
}

/** After this many milliseconds without a sign of life a lock is stale for proper-lockfile. */
const stale = 10_000;
const retryEvery = 25;

const isLocked = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ELOCKED';

/**
 * Takes the lock `path` (a folder `<path>.lock` beside it, kept fresh by proper-lockfile). A holder that has died is replaced at
 * once: proper-lockfile alone would take up to ten seconds to notice.
 *
 * @returns the release function
 * @throws exit status 75 when somebody alive holds it, 74 when the folder cannot be written
 */
export async function takeLock(path: string, options: LockOptions = {}): Promise<() => Promise<void>> {
  const lockfile = await import('proper-lockfile');
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const settings = { realpath: false, stale, update: 2000, onCompromised: options.onLost ?? (() => {}) };

  const acquire = async (): Promise<() => Promise<void>> => {
    const release = await lockfile.lock(path, settings);
    writeFileSync(`${path}.holder`, JSON.stringify(thisProcess()), { mode: 0o600 });
    return async () => {
      rmSync(`${path}.holder`, { force: true });
      await release().catch(() => {});
    };
  };

  /** Clears away what a dead holder left. One contender at a time, and the holder's name goes first, so that nobody clears twice. */
  const clearDead = async (): Promise<void> => {
    const release = await lockfile.lock(`${path}.takeover`, { ...settings, stale: 2000, update: 1000 });
    try {
      const holder = readHolder(path);
      if (!holder || isAlive(holder)) return;
      rmSync(`${path}.holder`, { force: true });
      rmSync(`${path}.lock`, { recursive: true, force: true });
    } finally {
      await release().catch(() => {});
    }
  };

  const giveUp = performance.now() + (options.wait ?? 0);
  for (;;) {
    try {
      return await acquire();
    } catch (error) {
      if (!isLocked(error)) {
        throw fail('io', `lock ${path}: cannot be taken: ${(error as NodeJS.ErrnoException).code ?? error}`);
      }
    }
    const holder = readHolder(path);
    if (holder && !isAlive(holder)) {
      await clearDead().catch((error) => {
        if (!isLocked(error)) throw error;
      });
      continue;
    }
    if (performance.now() >= giveUp) {
      const who = holder ? `process ${holder.pid}` : 'another process';
      throw fail('later', `lock ${path}: held by ${who}`, 'Stop that one first.');
    }
    await new Promise((resolve) => setTimeout(resolve, retryEvery));
  }
}
