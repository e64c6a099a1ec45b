import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { root } from './shell.ts';

/** A command that runs beside the test. */
export interface Background {
  /** Its stdout lines, parsed as JSON where they are. */
  readonly lines: unknown[];
  readonly stderr: () => string;
  readonly child: ChildProcess;
  /** Resolves with the first line, past or to come, that `wanted` says yes to. Rejects when the command ends without it. */
  line(wanted: (line: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>;
  /** Sends the signal (SIGTERM) and waits for its end. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  readonly ended: Promise<{ status: number | null; signal: NodeJS.Signals | null }>;
}

/** Starts a shell line as a process group, which `stop` signals as a terminal does: every stage of a pipeline gets it. */
export function backgroundPipeline(line: string, env: NodeJS.ProcessEnv): Background {
  return background(['bash', '-o', 'pipefail', '-c', line], env, root, true);
}

/** Starts a command; the first word is found in PATH. End it with `stop`. */
export function background(argv: readonly string[], env: NodeJS.ProcessEnv, cwd = root, group = false): Background {
  const [program, ...args] = argv;
  const child = spawn(program!, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: group });
  const lines: unknown[] = [];
  let stderr = '';
  let over = false;
  const waiting = new Set<() => void>();
  const ring = (): void => {
    for (const wake of waiting) wake();
  };
  createInterface({ input: child.stdout! }).on('line', (text) => {
    try {
      lines.push(JSON.parse(text));
    } catch {
      lines.push(text);
    }
    ring();
  });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<{ status: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.on('close', (status, signal) => {
      over = true;
      ring();
      resolve({ status, signal });
    });
    child.on('error', () => {
      over = true;
      ring();
      resolve({ status: 127, signal: null });
    });
  });
  return {
    lines,
    stderr: () => stderr,
    child,
    ended,
    async line(wanted) {
      for (;;) {
        const found = lines.find(
          (one) => typeof one === 'object' && one !== null && wanted(one as Record<string, unknown>),
        );
        if (found) return found as Record<string, unknown>;
        if (over) throw new Error(`${argv.join(' ')} ended without the line; stderr: ${stderr}`);
        await new Promise<void>((resolve) => {
          const wake = (): void => {
            waiting.delete(wake);
            resolve();
          };
          waiting.add(wake);
        });
      }
    },
    async stop(signal = 'SIGTERM') {
      if (!over) {
        if (group) process.kill(-child.pid!, signal);
        else child.kill(signal);
      }
      await ended;
    },
  };
}
