import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after } from 'node:test';
import { buildSync } from 'esbuild';

/** Children that a test left running are ended after its file. */
const running = new Set<ChildProcess>();
const folders: string[] = [];
after(() => {
  for (const child of running) child.kill('SIGKILL');
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const native = '@serialport/bindings-cpp/dist/serialport-bindings.js';
const bundles = new Map<string, string>();

/** Bundles a program of tests/support as the build does a command; once a test file. Returns its path. */
export function bundled(name: 'fixture-commands' | 'fixture-children'): string {
  let path = bundles.get(name);
  if (path) return path;
  const folder = mkdtempSync(join(tmpdir(), 'voltpipe-fixture-'));
  folders.push(folder);
  path = join(folder, `${name}.cjs`);
  buildSync({
    entryPoints: [`tests/support/${name}.ts`],
    outfile: path,
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'cjs',
    supported: { 'dynamic-import': false },
    logLevel: 'warning',
    define: { VOLTPIPE_VERSION: '"1.2.3"' },
    // Native code stays where it is.
    alias: { [native]: resolve('node_modules', native) },
    external: [resolve('node_modules', native)],
  });
  bundles.set(name, path);
  return path;
}

/** How a program of a test is run. */
export interface ChildOptions extends Omit<SpawnOptions, 'env'> {
  /** Beside PATH and a HOME of its own. */
  env?: Record<string, string>;
  /** What it reads; absent: nothing. An open pipe when `open`. */
  input?: string | Buffer;
  open?: boolean;
  /** Largest file that it may write, in blocks of 512 or 1024 bytes as the shell has it. */
  fileBlocks?: number;
}

/** What became of it. */
export interface Ended {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** A program at work. */
export interface Running {
  child: ChildProcess;
  /** What it has printed so far. */
  printed: { stdout: string; stderr: string };
  ended: Promise<Ended>;
  home: string;
}

/** Starts a program in a home of its own. */
export function start(argv: readonly string[], options: ChildOptions = {}): Running {
  const { env, input, open, fileBlocks, ...rest } = options;
  const home = mkdtempSync(join(tmpdir(), 'voltpipe-home-'));
  folders.push(home);
  const limited = fileBlocks === undefined ? argv : ['sh', '-c', `ulimit -f ${fileBlocks}; exec "$@"`, 'sh', ...argv];
  const child = spawn(limited[0]!, limited.slice(1), {
    stdio: [input === undefined && !open ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    cwd: home,
    ...rest,
    env: { PATH: process.env.PATH, HOME: home, TMPDIR: tmpdir(), XDG_RUNTIME_DIR: home, ...env },
  });
  running.add(child);
  const printed = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    printed.stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    printed.stderr += text;
  });
  child.stdin?.on('error', () => {});
  if (input !== undefined) child.stdin?.end(input);
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => {
      running.delete(child);
      resolve({ status, signal, ...printed });
    });
  });
  return { child, printed, ended, home };
}

/** Starts one of the works of fixture-children.ts. */
export const runChild = (work: string, args: readonly string[], options?: ChildOptions): Running =>
  start([process.execPath, bundled('fixture-children'), work, ...args], options);

/** Starts a made-up command of fixture-commands.ts. */
export const command = (argv: readonly string[], options?: ChildOptions): Running =>
  start([process.execPath, bundled('fixture-commands'), ...argv], options);

/** The same as words for a shell, with `$VP` for the binary. */
export const shell = (script: string, options: ChildOptions = {}): Running =>
  start(['bash', '-c', script], {
    ...options,
    env: { VP: `${process.execPath} ${bundled('fixture-commands')}`, ...options.env },
  });

/** Waits until a condition holds; fails after ten seconds. */
export async function until(condition: () => boolean, what = 'it'): Promise<void> {
  const end = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`${what} did not happen`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
