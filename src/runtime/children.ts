import type { ChildProcess, SpawnOptions } from 'node:child_process';
import type { Host } from './host.ts';

/** A child that was told to end is ended by force after so many milliseconds. */
const patience = 1000;

/**
 * Starts a child with our environment (which no longer holds what concerns this process alone), stderr shared, and ends it with
 * us: it gets SIGTERM when the command is over and SIGKILL when it doesn't listen.
 */
export function createSpawner(host: Host): {
  spawn(argv: readonly string[], options?: SpawnOptions): ChildProcess;
  /** Resolves when all are gone. */
  endAll(): Promise<void>;
} {
  const children = new Set<ChildProcess>();
  return {
    spawn(argv, options = {}) {
      // Loaded when the first child starts: most commands have none, and it costs 3 ms.
      const { spawn } = process.getBuiltinModule('node:child_process');
      const [program, ...rest] = argv;
      const child = spawn(program!, rest, {
        stdio: ['ignore', 'pipe', 'inherit'],
        ...options,
        env: { ...host.env, ...options.env },
      });
      children.add(child);
      child.once('exit', () => children.delete(child));
      child.once('error', () => children.delete(child));
      return child;
    },
    async endAll() {
      const left = [...children].map((child) => {
        child.kill('SIGTERM');
        const timer = setTimeout(() => child.kill('SIGKILL'), patience);
        return new Promise<void>((resolve) => child.once('exit', () => resolve(clearTimeout(timer))));
      });
      await Promise.all(left);
    },
  };
}
