import { write } from 'node:fs';
import { type Batch, lineOf } from './batch.ts';
import { systemClock } from './clock.ts';
import { earlyOutput } from './early-pipe.ts';
import { fail } from './exit.ts';
import { descriptorKind } from './host.ts';
import { inWords } from './system-error.ts';

/** The reader of stdout went away: the end of the run, and no failure. */
export class ReaderGone extends Error {}

/** Writes batches to stdout, one write each, never blocking the event loop. */
export interface Output {
  /** Resolves when the kernel has all of it. Rejects with {@link ReaderGone} on EPIPE, exit status 74 on any other fault. */
  write(batch: Batch): Promise<void>;
  /** Calls `gone` when the reader goes away while nothing is being written, where that can be told. The result ends the watch. */
  watch?(gone: () => void): () => void;
}

/** What is over sooner needs no watch, and is not made slower by one. */
const watchAfter = 1000;

/** stdout: a file or /dev/null through the thread pool, a pipe or a terminal through the event loop. */
export function stdoutWriter(): Output {
  const kind = descriptorKind(1);
  const put = kind === 'file' || kind === 'null' ? putFile : putPipe();
  return {
    write(batch) {
      if (batch.raw) return put(batch.raw.length === 1 ? batch.raw[0]! : Buffer.concat(batch.raw));
      let text = '';
      for (let i = 0; i < batch.items.length; i++) text += `${lineOf(batch.items[i]!, batch.texts[i])}\n`;
      return put(Buffer.from(text, 'utf8'));
    },
    watch(gone) {
      if (kind !== 'pipe') return () => {};
      let unwatch = systemClock.after(watchAfter, begin, { idle: true });
      async function begin(): Promise<void> {
        const { watchReader } = await import('./reader-watch.ts');
        unwatch = await watchReader(gone);
      }
      return () => unwatch();
    },
  };
}

function explain(error: NodeJS.ErrnoException): Error {
  if (error.code === 'EPIPE' || error.code === 'ECONNRESET') return new ReaderGone();
  return fail('io', `stdout: cannot be written: ${inWords(error)}`);
}

/** A write may take less than it was given. */
function putFile(bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const from = (offset: number): void => {
      write(1, bytes, offset, bytes.length - offset, null, (error, count) => {
        if (error) reject(explain(error));
        else if (offset + count < bytes.length) from(offset + count);
        else resolve();
      });
    };
    from(0);
  });
}

/** A pipe that takes all at once needs no more; what it does not take goes, like all that follows, through the event loop. */
function putPipe(): (bytes: Buffer) => Promise<void> {
  let early = earlyOutput();
  let later: ((bytes: Buffer) => Promise<void>) | undefined;
  return async (bytes) => {
    let taken = 0;
    if (early) {
      try {
        taken = early.write(bytes);
      } catch (error) {
        throw explain(error as NodeJS.ErrnoException);
      }
      if (taken === bytes.length) return;
      early.close();
      early = undefined;
    }
    later ??= putStream();
    await later(bytes.subarray(taken));
  };
}

function putStream(): (bytes: Buffer) => Promise<void> {
  const { stdout } = process;
  // The callback of the write gets the error too; without a listener Node would print a stack.
  stdout.on('error', () => {});
  return (bytes) =>
    new Promise((resolve, reject) => {
      stdout.write(bytes, (error) => (error ? reject(explain(error)) : resolve()));
    });
}
