import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Random, seededRandom } from '../../src/simulators/random.ts';
import { cleanEnvironment, root, shell } from './shell.ts';

/** Who is killed. */
export type Victim = 'spool' | 'sink' | 'both';
export const victims: readonly Victim[] = ['spool', 'sink', 'both'];

/** How a life of a spool is led. */
export interface LifeOptions {
  /** The folder that it runs in. */
  cwd: string;
  /** What stands behind `spool`, the sink included. */
  argv: readonly string[];
  /** The `n`-th record of this life, from 1, with its newline. */
  record(n: number): string;
  /** Records that come at once, and milliseconds between such bursts. */
  pace: { records: number; every: number };
}

/** A `spool` that somebody writes to without pause, and that says what it has accepted. */
export interface Life {
  /** So many records are in its hands, by its own word. */
  accepted(): number;
  /** So many were written to it. */
  given(): number;
  /** Process number of its sink. */
  sink(): number | undefined;
  stderr(): string;
  isOver(): boolean;
  /** Kills who is named and resolves when nobody of them is left; a sink that was not killed may come to its end by itself. */
  kill(...who: ('spool' | 'sink')[]): Promise<void>;
  /** Ends it as a service manager does, and resolves when it has ended. */
  end(): Promise<void>;
}

/** Starts a life of `spool`. */
export function startLife({ cwd, argv, record, pace }: LifeOptions): Life {
  const child = spawn(process.execPath, [join(root, 'bin/spool.js'), ...argv], {
    cwd,
    env: { ...cleanEnvironment(cwd), VOLTPIPE_ACK_FD: '3' },
    stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr!.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  const accepted = acknowledgements(child);
  const input = child.stdin!;
  input.on('error', () => {});
  let given = 0;
  const more = (): void => {
    for (let i = 0; i < pace.records; i++) if (!input.write(record(++given))) break;
    if (!input.destroyed) setTimeout(more, pace.every);
  };
  more();
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  void ended.then(() => input.destroy());
  const sink = (): number | undefined => childOf(child.pid!);
  return {
    accepted,
    given: () => given,
    sink,
    stderr: () => stderr,
    async end() {
      child.kill('SIGTERM');
      await ended;
    },
    isOver: () => child.exitCode !== null || child.signalCode !== null,
    async kill(...who) {
      const pid = sink();
      if (who.includes('sink')) killByForce(pid);
      if (who.includes('spool')) {
        child.kill('SIGKILL');
        await ended;
      }
      await waitFor(() => pid === undefined || isGone(pid), 'the end of the sink');
    },
  };
}

/**
 * Kills spool, its sink or both at a random moment of their work, so that none of them is left. Resolves with how many records spool
 * had accepted. `isAtWork`: it is time to begin to count that moment.
 */
export async function endByForce(
  life: Life,
  victim: Victim,
  random: Random,
  isAtWork: () => boolean,
  longest = 150,
): Promise<number> {
  const alive = (condition: () => boolean) => (): boolean => {
    assert.ok(!life.isOver(), `spool has ended: ${life.stderr()}`);
    return condition();
  };
  const moment = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, random() * longest));
  try {
    await waitFor(alive(isAtWork), 'the work of spool');
    await moment();
    if (victim === 'sink') {
      const first = life.sink();
      await life.kill('sink');
      await waitFor(
        alive(() => ![undefined, first].includes(life.sink())),
        'the next sink',
      );
      await moment();
    }
  } finally {
    await life.kill('spool', ...(victim === 'both' ? (['sink'] as const) : []));
  }
  return life.accepted();
}

/** Runs `work` with random numbers that can be had again: the seed is in the message of what it throws. */
export async function withSeed(work: (random: Random) => Promise<void>): Promise<void> {
  const seed = Number(process.env.VOLTPIPE_TEST_SEED ?? Date.now() % 1_000_000);
  await work(seededRandom(seed)).catch((error) => {
    throw new Error(`with VOLTPIPE_TEST_SEED=${seed}: ${error.message}`, { cause: error });
  });
}

/** Waits for a condition, a minute at most. */
export async function waitFor(condition: () => boolean, what: string): Promise<void> {
  const end = Date.now() + 60_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`not within a minute: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** What a spool says of itself at rest. */
export async function spoolStat(cwd: string, folder: string): Promise<{ backlog: number; delivered: number }> {
  const { stdout, stderr } = await shell(`spool stat ${folder}`, { cwd, env: cleanEnvironment(cwd) });
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout);
}

/** The first record of a spool at rest that is not delivered, as it came in; undefined when there is none. */
export async function firstUndelivered(cwd: string, name: string): Promise<string | undefined> {
  const folder = join(cwd, name);
  if (!existsSync(folder)) return undefined;
  const { delivered } = await spoolStat(cwd, name);
  const lines = readdirSync(folder)
    .filter((file) => file.endsWith('.log'))
    .sort()
    .flatMap((file) => readFileSync(join(folder, file), 'utf8').split('\n').slice(0, -1));
  const line = lines.find((one) => Number(one.split(' ')[1]) > delivered);
  return line?.split(' ').slice(2).join(' ');
}

/** Counts what a command acknowledges on its descriptor 3. */
function acknowledgements(child: ChildProcess): () => number {
  let count = 0;
  let rest = '';
  child.stdio[3]!.on('error', () => {}).on('data', (chunk) => {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop()!;
    for (const line of lines) count = Number(line);
  });
  return () => count;
}

/** State and parent of a process; undefined when there is none. */
function processOf(pid: number | string): { state: string; parent: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state = '', parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}

const childOf = (parent: number): number | undefined => {
  const pid = readdirSync('/proc').find((name) => /^\d+$/.test(name) && processOf(name)?.parent === parent);
  return pid === undefined ? undefined : Number(pid);
};

/** A process that has ended, and that nobody has asked about yet, counts as gone. */
const isGone = (pid: number): boolean => ['Z', 'X', undefined].includes(processOf(pid)?.state);

function killByForce(pid: number | undefined): void {
  try {
    if (pid) process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
