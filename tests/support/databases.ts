import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { freePort } from './mosquitto.ts';
import { requireService } from './services.ts';
import { temporaryFolder } from './shell.ts';

/** What is waited for at most: a slow machine starts a database in seconds. */
const patience = 60_000;

/** A real server for one test. */
export interface Database {
  readonly url: string;
  readonly port: number;
  /** Ends it, as a crash would. */
  kill(): Promise<void>;
  /** Starts it again on the same port, with the data that it had. */
  restart(): Promise<void>;
}

/** How influxd is set up. */
export interface InfluxdOptions {
  /** Asks for user and password. */
  auth?: boolean;
  /** Lines of the section [data]. */
  data?: readonly string[];
  /** Lines of the section [http]. */
  http?: readonly string[];
  /** A port that nobody listens on yet; default: a free one. */
  port?: number;
  /** Speaks TLS with these, both PEM. */
  tls?: { cert: string; key: string };
}

/** Starts influxd of InfluxDB 1.x on 127.0.0.1; undefined when it is not installed (the test is skipped then). It ends with the test. */
export async function startInfluxd(t: TestContext, options: InfluxdOptions = {}): Promise<Database | undefined> {
  const program = requireService(t, 'influxd');
  if (!program) return undefined;
  const folder = temporaryFolder('influxd');
  const [port, rpc] = [options.port ?? (await freePort()), await freePort()];
  const config = join(folder, 'influxdb.conf');
  if (options.tls) writeFileSync(join(folder, 'tls.pem'), `${options.tls.cert}\n${options.tls.key}\n`);
  const tls = options.tls && ['https-enabled = true', `https-certificate = ${JSON.stringify(join(folder, 'tls.pem'))}`];
  writeFileSync(
    config,
    `reporting-disabled = true
bind-address = "127.0.0.1:${rpc}"
[meta]
  dir = ${JSON.stringify(join(folder, 'meta'))}
[data]
  dir = ${JSON.stringify(join(folder, 'data'))}
  wal-dir = ${JSON.stringify(join(folder, 'wal'))}
  query-log-enabled = false
  ${(options.data ?? []).join('\n  ')}
[http]
  bind-address = "127.0.0.1:${port}"
  log-enabled = false
  auth-enabled = ${options.auth === true}
  ${[...(options.http ?? []), ...(tls ?? [])].join('\n  ')}
[monitor]
  store-enabled = false
[continuous_queries]
  run-interval = "1s"
  log-enabled = false
`,
  );
  return startServer(t, [program, '-config', config], port, options.tls && 400);
}

/** Starts VictoriaMetrics on 127.0.0.1; undefined when it is not installed. It ends with the test. */
export async function startVictoriaMetrics(t: TestContext): Promise<Database | undefined> {
  const program = requireService(t, 'victoriaMetrics');
  if (!program) return undefined;
  const port = await freePort();
  return startServer(
    t,
    [
      program,
      `-httpListenAddr=127.0.0.1:${port}`,
      `-storageDataPath=${temporaryFolder('vm')}`,
      '-retentionPeriod=100y',
      '-search.latencyOffset=0s',
      '-search.disableCache',
    ],
    port,
  );
}

/** @param ready what it says to plain HTTP when it is there; any success unless given */
async function startServer(
  t: TestContext,
  [program, ...args]: string[],
  port: number,
  ready?: number,
): Promise<Database> {
  const url = `http://127.0.0.1:${port}`;
  let child: ChildProcess;
  const start = async (): Promise<void> => {
    child = spawn(program!, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4000);
    });
    for (const end = performance.now() + patience; ; await new Promise((resolve) => setTimeout(resolve, 25))) {
      if (child.exitCode !== null || performance.now() > end) throw new Error(`${program} does not answer: ${said}`);
      const answer = await fetch(`${url}/ping`).catch(() => undefined);
      if (answer && (ready === undefined ? answer.status < 300 : answer.status === ready)) return;
    }
  };
  const kill = (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
    return new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.kill('SIGKILL');
    });
  };
  t.after(() => kill());
  await start();
  return { url, port, kill, restart: start };
}

/** A statement's result of 1.x; throws when it says an error. */
export async function influxQuery(
  { url }: Pick<Database, 'url'>,
  statement: string,
  parameters: Record<string, string> = {},
): Promise<{ name: string; tags?: Record<string, string>; columns: string[]; values: unknown[][] }[]> {
  const body = new URLSearchParams({ q: statement });
  const query = new URLSearchParams({ epoch: 'ms', ...parameters });
  const answer = await fetch(`${url}/query?${query}`, { method: 'POST', body });
  const { results, error } = (await answer.json()) as {
    results?: { error?: string; series?: [] }[];
    error?: string;
  };
  const failed = error ?? results?.find((one) => one.error !== undefined)?.error;
  if (failed !== undefined) throw new Error(`${statement}: ${failed}`);
  return results?.flatMap(({ series = [] }) => series) ?? [];
}

/** The rows of a query's first series as objects. */
export async function influxRows(
  database: Pick<Database, 'url'>,
  statement: string,
  parameters: Record<string, string> = {},
): Promise<Record<string, unknown>[]> {
  const series = await influxQuery(database, statement, parameters);
  return series.flatMap(({ columns, values, tags }) =>
    values.map((row) => ({ ...tags, ...Object.fromEntries(columns.map((name, index) => [name, row[index]])) })),
  );
}
