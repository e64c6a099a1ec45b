import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Context } from '../runtime/context.ts';
import { fail } from '../runtime/exit.ts';
import { inWords } from '../runtime/system-error.ts';

/** What a demo gets to play with. */
export interface Stage {
  readonly clock: Context['clock'];
  /** Aborts when the demo shall end. */
  readonly signal: AbortSignal;
  readonly screen: Context['screen'];
  /** A folder of the demo's own; gone when it is over. */
  readonly folder: string;
  /** Starts a command of the toolkit, with these variables beside the environment; `onLine` gets what it prints on stdout. */
  start(words: readonly string[], env: Readonly<Record<string, string>>, onLine?: (line: string) => void): Child;
}

/** What a demo shows next: a line that stays, or a view that takes the place of the view before (on a terminal alone). */
export type Scene = { line: string } | { view: string };

/** A demo, by its name in {@link demos} of voltpipe-demo. */
export interface Demo {
  summary: string;
  /** Plays until `signal` or by itself, and leaves nothing behind. */
  play(stage: Stage, limits: Limits): AsyncGenerator<Scene, void, void>;
}

/** When a demo ends by itself. */
export interface Limits {
  /** After so many updates have reached the end of the pipeline. */
  updates: number | undefined;
}

/** A command that runs for the demo. */
export interface Child {
  /** Takes the stderr lines that came since the last call. */
  said(): string[];
  /** It has ended, in whatever way. */
  readonly over: boolean;
  /** Resolves when it has ended by itself with 0; rejects with what it said when it failed. */
  readonly done: Promise<void>;
  /** Gives it a line on stdin; of use only where its stdout is heard, too. */
  feed(line: string): void;
  /** Ends it; resolves when it has. */
  stop(): Promise<void>;
}

/**
 * Starts a command of the toolkit. It gets a process group of its own, so that Ctrl-C on the terminal ends the demo first, and
 * the demo ends it while its far side is still there.
 */
export function startChild(
  ctx: Pick<Context, 'self' | 'spawn'>,
  words: readonly string[],
  env: Readonly<Record<string, string>>,
  onLine?: (line: string) => void,
): Child {
  const child: ChildProcess = ctx.spawn([...ctx.self, ...words], {
    stdio: onLine ? ['pipe', 'pipe', 'pipe'] : ['ignore', 'ignore', 'pipe'],
    env: { ...env },
    detached: true,
  });
  const lines: string[] = [];
  child.stdin?.on('error', () => {});
  if (onLine) createInterface({ input: child.stdout! }).on('line', onLine);
  let last = '';
  let over = false;
  let stopped = false;
  createInterface({ input: child.stderr! }).on('line', (line) => {
    lines.push(line);
    last = line;
  });
  const ended = new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(inWords(error)));
    child.once('close', (status, signal) => resolve(status ?? signal ?? ''));
  });
  const done = ended.then((how) => {
    over = true;
    if (how !== 0 && !stopped) throw fail('software', `${words[0]}: ended with ${how}: ${last}`);
  });
  done.catch(() => {});
  return {
    said: () => lines.splice(0),
    get over() {
      return over;
    },
    done,
    feed: (line) => void child.stdin?.write(`${line}\n`),
    async stop() {
      stopped = true;
      child.kill('SIGTERM');
      await ended;
    },
  };
}
