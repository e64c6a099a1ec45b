import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';

/** The folder of the checkout; tests run from it. */
export const root = process.cwd();

/** A folder of the test's own, below the system's temporary one. */
export function temporaryFolder(name = 'test'): string {
  return mkdtempSync(join(tmpdir(), `voltpipe-${name}-`));
}

/** An environment that holds nothing of the developer's: the built commands in PATH, all directories below `home`. */
export function cleanEnvironment(home: string, extra: Record<string, string> = {}): NodeJS.ProcessEnv {
  const bin = linkedCommands();
  return {
    PATH: [bin, ...(process.env.PATH ?? '/usr/bin:/bin').split(delimiter)].join(delimiter),
    HOME: home,
    TMPDIR: tmpdir(),
    XDG_STATE_HOME: join(home, 'state'),
    XDG_CONFIG_HOME: join(home, 'config'),
    XDG_RUNTIME_DIR: join(home, 'run'),
    LANG: 'C.UTF-8',
    TZ: 'UTC',
    ...extra,
  };
}

let linked: string | undefined;

/** A folder in which the commands have the names that npm gives them. */
function linkedCommands(): string {
  if (linked) return linked;
  linked = temporaryFolder('bin');
  for (const file of readdirSync(resolve(root, 'bin'))) {
    if (file.endsWith('.js')) symlinkSync(resolve(root, 'bin', file), join(linked, file.slice(0, -3)));
  }
  return linked;
}

/** What a shell line came to. */
export interface ShellResult {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** How a shell line is run. */
export interface ShellOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  stdin?: string | Buffer;
  /** Milliseconds after which the whole process group is killed and the test fails. */
  limit?: number;
  /** Sends SIGINT to the process group after so many milliseconds, as Ctrl-C does. */
  interruptAfter?: number;
}

/** Runs a line with bash in a process group of its own. */
export function shell(line: string, options: ShellOptions = {}): Promise<ShellResult> {
  const child: ChildProcess = spawn('bash', ['-c', line], {
    cwd: options.cwd ?? root,
    env: options.env ?? cleanEnvironment(temporaryFolder('home')),
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const killGroup = (signal: NodeJS.Signals): void => {
    try {
      process.kill(-child.pid!, signal);
    } catch {
      // It has ended by itself.
    }
  };
  return new Promise((resolvePromise, reject) => {
    let stdout = '';
    let stderr = '';
    let late = false;
    const limit = setTimeout(() => {
      late = true;
      killGroup('SIGKILL');
    }, options.limit ?? 60_000);
    const interrupt =
      options.interruptAfter === undefined ? undefined : setTimeout(() => killGroup('SIGINT'), options.interruptAfter);
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.stdin!.on('error', () => {});
    child.stdin!.end(options.stdin ?? '');
    child.on('error', reject);
    child.on('close', (status, signal) => {
      clearTimeout(limit);
      clearTimeout(interrupt);
      if (late)
        reject(new Error(`took too long: ${line}\nstdout: ${stdout.slice(-2000)}\nstderr: ${stderr.slice(-2000)}`));
      else resolvePromise({ status, signal, stdout, stderr });
    });
  });
}
