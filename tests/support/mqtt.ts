import { spawn } from 'node:child_process';
import type { TestContext } from 'node:test';
import { connectMqtt, type MqttConnection, type MqttOptions } from '../../src/transports/mqtt/client.ts';

/** A message as a test looks at it. */
export interface Seen {
  topic: string;
  payload: string;
  qos: number;
  retain: boolean;
}

/** Waits for a condition; generous, since the machine may be slow. */
export async function eventually(condition: () => boolean, what = 'it', limit = 60_000): Promise<void> {
  const end = performance.now() + limit;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`${what} did not happen`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Somebody who listens at a broker. */
export interface Listener {
  readonly seen: Seen[];
  readonly connection: MqttConnection;
  /** Waits for a message, past or to come. */
  find(wanted: (message: Seen) => boolean): Promise<Seen>;
  count(wanted: (message: Seen) => boolean, n: number): Promise<Seen[]>;
}

/** Listens to `filters` at QoS 2 until the test is over. */
export async function listen(
  t: TestContext,
  port: number,
  filters: readonly string[] = ['#'],
  options: Partial<MqttOptions> = {},
): Promise<Listener> {
  const seen: Seen[] = [];
  const connection = await connectMqtt({
    url: `mqtt://127.0.0.1:${port}`,
    ...options,
    onMessage: ({ topic, payload, qos, retain }) => void seen.push({ topic, payload: payload.toString(), qos, retain }),
  });
  t.after(() => connection.end());
  await connection.subscribe(filters, 2);
  const count = async (wanted: (message: Seen) => boolean, n: number): Promise<Seen[]> => {
    await eventually(() => seen.filter(wanted).length >= n, `message ${n}`);
    return seen.filter(wanted);
  };
  return { seen, connection, count, find: async (wanted) => (await count(wanted, 1))[0]! };
}

/** A built command behind whom somebody counts acknowledgements, as spool does. */
export interface Acknowledged {
  write(text: string): void;
  end(): void;
  /** The counts that came, in order. */
  readonly counts: number[];
  readonly stderr: () => string;
  readonly pid: number;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<number | NodeJS.Signals | null>;
}

/** Starts a command of PATH with an open stdin and the acknowledgement descriptor; it ends with the test. */
export function acknowledged(t: TestContext, argv: readonly string[], env: NodeJS.ProcessEnv): Acknowledged {
  const [program, ...args] = argv;
  const child = spawn(program!, args, {
    env: { ...env, VOLTPIPE_ACK_FD: '3' },
    stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
  });
  const counts: number[] = [];
  let stderr = '';
  let rest = '';
  child.stdio[2]!.on('data', (text) => {
    stderr += text;
  });
  child.stdin!.on('error', () => {});
  child.stdio[3]!.on('data', (text) => {
    const lines = `${rest}${text}`.split('\n');
    rest = lines.pop()!;
    counts.push(...lines.map(Number));
  });
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.on('close', (status, signal) => resolve(signal ?? status));
  });
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return {
    write: (text) => void child.stdin!.write(text),
    end: () => void child.stdin!.end(),
    counts,
    stderr: () => stderr,
    pid: child.pid!,
    kill: (signal) => void child.kill(signal),
    ended,
  };
}
