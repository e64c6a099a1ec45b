import type { ChildProcess } from 'node:child_process';
import { join, resolve } from 'node:path';
import type { Context } from '../../runtime/context.ts';
import { inWords } from '../../runtime/system-error.ts';
import type { Connected, FromChild, Request, Sighting, ToChild, Trouble } from './messages.ts';

/** What of the context a helper needs. */
export type HelperContext = Pick<Context, 'spawn' | 'self' | 'clock' | 'log'>;

/** What comes from the child unasked. */
export interface HelperEvents {
  onState?(state: string): void;
  onScanning?(on: boolean): void;
  onSeen?(sighting: Sighting): void;
  onKnown?(addresses: number): void;
  onDoubt?(reason: string): void;
  onData?(id: string, bytes: Buffer): void;
  onGone?(id: string, reason: string): void;
}

/** A running Bluetooth child. */
export interface Helper {
  /** Resolves to the answer; rejects with {@link HelperError} when it failed, took longer than `ms`, or the child is gone. */
  request(request: Request, ms: number): Promise<Connected | undefined>;
  /** Lets it clean up and waits for its end, so many ms before it is killed (default 2000). Resolves to whether it ended by itself. */
  end(within?: number): Promise<boolean>;
  /** Why it ended, in whatever way. */
  readonly over: Promise<string>;
  readonly pid: number | undefined;
}

/** A request that failed. */
export class HelperError extends Error {
  readonly trouble: Trouble;

  constructor(trouble: Trouble) {
    super(trouble.reason);
    this.trouble = trouble;
  }
}

declare const __dirname: string | undefined;

/** Beside the bundle of the command; in tests, which are bundled elsewhere, in the checkout. */
const childFile = (): string =>
  typeof __dirname === 'string' ? join(__dirname, 'ble-child.cjs') : resolve('dist', 'ble-child.cjs');

/** More than the child gives itself. */
const endWait = 2000;
/** What was killed and doesn't go sits in a system call: nobody can wait for that. */
const deathWait = 500;
/** What native code says without being asked: the sockets write to debugfs, which only root may. */
const noise = /\/sys\/kernel\/debug\/bluetooth|^\s*$/;

/** Starts the child. Its stderr goes to the log as details, without the lines that mean nothing. */
export function startHelper(
  ctx: HelperContext,
  env: Readonly<Record<string, string>>,
  events: HelperEvents,
  file = childFile(),
): Helper {
  const { clock, log } = ctx;
  const child: ChildProcess = ctx.spawn([ctx.self[0] ?? 'node', file], {
    // A group of its own: Ctrl-C is ours to pass on, after the devices have been let go.
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { NOBLE_REPORT_ALL_HCI_EVENTS: '1', ...env },
  });
  const waiting = new Map<number, { resolve(value?: Connected): void; reject(error: HelperError): void }>();
  let requests = 0;
  let why: string | undefined;
  let ended = false;

  const over = new Promise<string>((settle) => {
    const finish = (how: string): void => {
      if (ended) return;
      ended = true;
      const reason = why ?? `the Bluetooth helper ended (${how})`;
      for (const { reject } of waiting.values()) reject(new HelperError({ kind: 'failed', reason, tainted: true }));
      waiting.clear();
      settle(reason);
    };
    child.once('error', (error) => finish(inWords(error)));
    child.once('exit', (status, signal) => finish(signal ?? `exit status ${status}`));
  });

  let rest = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = (lines.pop() ?? '').slice(-1000);
    for (const line of lines) if (!noise.test(line)) log.debug(`bluetooth helper: ${line.slice(0, 300)}`);
  });

  const handlers: { [K in FromChild['say']]: (message: Extract<FromChild, { say: K }>) => void } = {
    state: ({ state }) => events.onState?.(state),
    failed({ reason, code }) {
      why = code === 'EAFNOSUPPORT' ? 'this machine has no Bluetooth (no AF_BLUETOOTH)' : reason;
    },
    answer: ({ request, value }) => waiting.get(request)?.resolve(value),
    trouble: ({ request, trouble }) => waiting.get(request)?.reject(new HelperError(trouble)),
    scanning: ({ on }) => events.onScanning?.(on),
    seen: ({ sighting }) => events.onSeen?.(sighting),
    known: ({ addresses }) => events.onKnown?.(addresses),
    doubt: ({ reason }) => events.onDoubt?.(reason),
    data: ({ id, hex }) => events.onData?.(id, Buffer.from(hex, 'hex')),
    gone: ({ id, reason }) => events.onGone?.(id, reason),
  };
  child.on('message', (message: FromChild) => (handlers[message.say] as (message: FromChild) => void)(message));

  const send = (message: ToChild): void => {
    if (child.connected) child.send(message, () => {});
  };

  return {
    over,
    get pid() {
      return child.pid;
    },
    request(request, ms) {
      if (ended) {
        return Promise.reject(
          new HelperError({ kind: 'failed', reason: 'the Bluetooth helper is gone', tainted: true }),
        );
      }
      const number = ++requests;
      return new Promise((settle, refuse) => {
        const done = (): void => {
          cancel();
          waiting.delete(number);
        };
        // Its own time-outs are shorter: it is stuck in native code.
        const cancel = clock.after(ms, () => {
          why ??= 'the Bluetooth helper hangs';
          child.kill('SIGKILL');
        });
        waiting.set(number, {
          resolve(value) {
            done();
            settle(value);
          },
          reject(error) {
            done();
            refuse(error);
          },
        });
        send({ ...request, request: number });
      });
    },
    async end(within = endWait) {
      if (ended) return true;
      send({ do: 'end' });
      let isKilled = false;
      let giveUp = (): void => {};
      const stuck = new Promise<void>((resolve) => {
        giveUp = resolve;
      });
      let cancel = clock.after(within, () => {
        isKilled = true;
        child.kill('SIGKILL');
        cancel = clock.after(deathWait, giveUp);
      });
      await Promise.race([over, stuck]);
      cancel();
      if (!ended) child.unref();
      return !isKilled;
    },
  };
}
