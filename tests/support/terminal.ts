import { type ChildProcess, spawn } from 'node:child_process';
import type { TestContext } from 'node:test';
import { processesWith } from './processes.ts';
import { requireService } from './services.ts';
import { temporaryFolder } from './shell.ts';

/** A terminal with an interactive shell in it. */
export interface Terminal {
  /** All that it has shown so far. */
  shown(): string;
  /** Types a line. */
  type(line: string): void;
  /** Pulls it away, as a closed window or a dead connection does. */
  close(): void;
  /** The processes that were started in it and are still there, the shell among them. */
  left(): number[];
}

let opened = 0;

/** Opens a terminal; script(1) makes it. All that was started in it ends with the test. Undefined: the test is skipped. */
export function openTerminal(t: TestContext, env: NodeJS.ProcessEnv): Terminal | undefined {
  const script = requireService(t, 'script');
  if (!script) return undefined;
  const mark = `VOLTPIPE_TEST_TERMINAL=${process.pid}-${++opened}`;
  const [name, value] = mark.split('=') as [string, string];
  const child: ChildProcess = spawn(script, ['-qec', 'exec bash --norc --noprofile -i', '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    cwd: temporaryFolder('terminal'),
    env: { ...env, TERM: 'xterm', HISTFILE: '', [name]: value },
  });
  let shown = '';
  child.stdin!.on('error', () => {});
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
  });
  const left = (): number[] => processesWith(mark).filter((pid) => pid !== child.pid);
  t.after(() => {
    child.kill('SIGKILL');
    for (const pid of left()) process.kill(pid, 'SIGKILL');
  });
  return {
    shown: () => shown,
    type: (line) => void child.stdin!.write(`${line}\n`),
    close: () => void child.kill('SIGKILL'),
    left,
  };
}
