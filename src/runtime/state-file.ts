import { renameSync } from 'node:fs';
import { writeDurably } from './durable.ts';
import { takeLock } from './lock.ts';
import type { State } from './state.ts';
import { readTextIfAny } from './text-file.ts';

/** How long an update waits for another process's. */
const lockWait = 30_000;

/**
 * A JSON document on disk, mode 0600. Updates are serialised over all processes; readers see the old or the new document, never
 * half of one.
 *
 * @param onBroken told when the file held no JSON and was moved aside to `<path>.broken`
 * @param onKeep gets the snapshot function of a stateful filter, and what saves its result and tells the number of bytes
 */
export function createState<T>(
  path: string,
  onBroken: (why: string) => void,
  onKeep: (snapshot: () => T, save: (value: T) => Promise<number>, stretch: number | undefined) => void,
): State<T> {
  /** The document; `undefined` when there is none. Throws SyntaxError for what is no JSON. */
  const load = (): T | undefined => {
    const text = readTextIfAny(path, 'io');
    return text === undefined ? undefined : (JSON.parse(text) as T);
  };

  /** Under the lock: what is broken now is nobody's new document. */
  const loadOrMoveAside = (): T | undefined => {
    try {
      return load();
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      renameSync(path, `${path}.broken`);
      onBroken(`${path}: not JSON, moved to ${path}.broken`);
      return undefined;
    }
  };

  const read = async (): Promise<T | undefined> => {
    try {
      return load();
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return locked(async () => loadOrMoveAside());
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

  const save = async (value: T): Promise<number> => {
    const text = `${JSON.stringify(value, null, 2)}\n`;
    await writeDurably(path, text);
    return text.length;
  };

  return {
    read,
    update: (fn) =>
      locked(async () => {
        const value = await fn(loadOrMoveAside());
        await save(value);
        return value;
      }),
    keep: (snapshot, stretch) => onKeep(snapshot, (value) => locked(() => save(value)), stretch),
  };
}
