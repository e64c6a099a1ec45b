import { writeSync } from 'node:fs';
import { CommandError } from '../../src/runtime/exit.ts';
import { takeLock } from '../../src/runtime/lock.ts';
import { createState } from '../../src/runtime/state-file.ts';

/** What tests of locks and state need another process for; the first word says which. */
const works: Record<string, (...args: string[]) => Promise<void>> = {
  /** Adds one to a counter, many times. */
  async 'state-increment'(path, times) {
    const state = createState<{ n: number }>(
      path!,
      (why) => say(why),
      () => {},
    );
    for (let i = 0; i < Number(times); i++) await state.update((value) => ({ n: (value?.n ?? 0) + 1 }));
  },
  /** Saves ever more, until that fails or for 64 MiB. */
  async 'state-grow'(path) {
    // The write then fails, as on a full disk, instead of ending the process.
    process.on('SIGXFSZ', () => {});
    const state = createState<object>(
      path!,
      (why) => say(why),
      () => {},
    );
    await state.update(() => ({ fill: 'x'.repeat(64 * 1024 * 1024) }));
  },
  /** Takes a lock, says so, and holds it for good. */
  async 'lock-hold'(path) {
    await takeLock(path!);
    writeSync(1, 'held\n');
    setInterval(() => {}, 1000);
  },
  /** Tries a lock many times; while it holds it, a file that may be there only once says so. */
  async 'lock-race'(path, rounds, wait) {
    const { openSync, closeSync, rmSync } = await import('node:fs');
    let held = 0;
    for (let i = 0; i < Number(rounds); i++) {
      const release = await takeLock(path!, { wait: Number(wait) }).catch((error: unknown) => {
        if (error instanceof CommandError && error.status === 75) return undefined;
        throw error;
      });
      if (!release) continue;
      held++;
      closeSync(openSync(`${path}.witness`, 'wx'));
      await new Promise((resolve) => setTimeout(resolve, 1));
      rmSync(`${path}.witness`);
      await release();
    }
    writeSync(1, `${held}\n`);
  },
  /** Tries a lock once, when its stdin says so, and keeps it: `got` or `busy`. */
  async 'lock-once'(path) {
    await new Promise((resolve) => process.stdin.once('end', resolve).resume());
    try {
      await takeLock(path!);
      writeSync(1, 'got\n');
      setInterval(() => {}, 1000);
    } catch (error) {
      if (!(error instanceof CommandError) || error.status !== 75) throw error;
      writeSync(1, 'busy\n');
    }
  },
};

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

const [work, ...args] = process.argv.slice(2);
works[work!]!(...args).catch((error: unknown) => {
  say(error instanceof CommandError ? error.message : String((error as Error).stack));
  process.exitCode = error instanceof CommandError ? error.status : 70;
});
