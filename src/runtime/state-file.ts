import { readFileSync, renameSync } from 'node:fs';
import { writeDurably } from './durable.ts';
import { fail } from './exit.ts';
import { takeLock } from './lock.ts';
import type { State } from './state.ts';

/** How long an update waits for another process's. */
const lockWait = 30_000;

/**
 * A JSON document on disk, mode 0600. Updates are serialised over all processes; readers see the old or the new document, never
 * half of one.
 *
 * @param onBroken told when the file held no JSON and was moved aside to `<path>.broken`
 * @param onKeep gets the snapshot function of a stateful filter
 */
export function createState<T>(
  path: string,
  onBroken: (why: string) => void,
  onKeep: (snapshot: () => T, save: (value: T) => Promise<void>) => void,
): State<T> {
  const read = async (): Promise<T | undefined> => {
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'ENOENT') return undefined;
      throw fail('io', `${path}: cannot be read: ${code}`, code === 'EACCES' ? 'Check its owner and mode.' : undefined);
    }
    try {
      return JSON.parse(text) as T;
    } catch (error) {
      renameSync(path, `${path}.broken`);
      onBroken(`${path}: not JSON, moved to ${path}.broken: ${(error as Error).message}`);
      return undefined;
    }
  };

  const locked = async <R>(work: () => Promise<R>): Promise<R> => {
    const release = await takeLock(path, { wait: lockWait });
    try {
      return await work();
    } finally {
      await release();
    }
  };

  const save = (value: T): Promise<void> => writeDurably(path, `${JSON.stringify(value, null, 2)}\n`);

  return {
    read,
    update: (fn) =>
      locked(async () => {
        const value = await fn(await read());
        await save(value);
        return value;
      }),
    keep: (snapshot) => onKeep(snapshot, (value) => locked(() => save(value))),
  };
}
