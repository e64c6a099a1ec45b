import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { goWithout, requireService, runService } from './services.ts';
import { temporaryFolder } from './shell.ts';

/** A real broker for one test. */
export interface Mosquitto {
  readonly port: number;
  /** Ends it, as a crash would. */
  stop(): Promise<void>;
}

/** What kind of broker. */
export interface MosquittoOptions {
  /** TLS 1.3 with this certificate; absent: plain. */
  tls?: { cert: string; key: string /** Clients have to show a certificate of this authority. */; clientCa?: string };
  /** User and password, the only ones; absent: anybody. */
  user?: readonly [string, string];
  /** Default: a free one. */
  port?: number;
  /** Access control list; absent: everybody may do everything. It lets everybody subscribe to everything, and then sends nothing. */
  acl?: string;
  /** The only filters that may be subscribed to, by the plugin for dynamic security; all others are refused. */
  subscribable?: readonly string[];
  /** Further lines of its configuration. */
  settings?: readonly string[];
}

/** A port that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Starts mosquitto on 127.0.0.1; undefined when it is not installed (the test is skipped then). It ends with the test. */
export async function startMosquitto(t: TestContext, options: MosquittoOptions = {}): Promise<Mosquitto | undefined> {
  const program = requireService(t, 'mosquitto');
  if (!program) return undefined;
  const folder = temporaryFolder('mosquitto');
  const port = options.port ?? (await freePort());
  const path = (name: string): string => join(folder, name);
  const lines = [`listener ${port} 127.0.0.1`, 'persistence false', `allow_anonymous ${options.user === undefined}`];
  // It gives up root's rights for those of this user; the test's files belong to the test's.
  if (process.getuid?.() === 0) lines.unshift('user root');
  if (options.tls) {
    writeFileSync(path('cert.pem'), options.tls.cert);
    writeFileSync(path('key.pem'), options.tls.key);
    lines.push(`certfile ${path('cert.pem')}`, `keyfile ${path('key.pem')}`, 'tls_version tlsv1.3');
    if (options.tls.clientCa) {
      writeFileSync(path('client-ca.pem'), options.tls.clientCa);
      lines.push(`cafile ${path('client-ca.pem')}`, 'require_certificate true');
    }
  }
  if (options.acl !== undefined) {
    writeFileSync(path('acl'), options.acl);
    lines.push(`acl_file ${path('acl')}`);
  }
  if (options.subscribable) {
    const plugin = dynamicSecurity();
    if (!plugin) return goWithout(t, 'mosquitto_dynamic_security.so is not installed: apt install mosquitto');
    writeFileSync(path('dynamic-security.json'), JSON.stringify(subscribersOf(options.subscribable)), { mode: 0o600 });
    lines.push(`plugin ${plugin}`, `plugin_opt_config_file ${path('dynamic-security.json')}`);
  }
  lines.push(...(options.settings ?? []));
  if (options.user) {
    runService(passwordProgram(program), ['-b', '-c', path('passwords'), ...options.user]);
    lines.push(`password_file ${path('passwords')}`);
  }
  writeFileSync(path('mosquitto.conf'), `${lines.join('\n')}\n`);
  const child = spawn(program, ['-c', path('mosquitto.conf')], { stdio: ['ignore', 'ignore', 'pipe'] });
  const stop = (): Promise<void> => ended(child);
  t.after(stop);
  await running(child);
  return { port, stop };
}

/** Where Debian has the plugin: below the folder of the machine's architecture. */
function dynamicSecurity(): string | undefined {
  const folders = readdirSync('/usr/lib').map((name) => join('/usr/lib', name));
  return folders.map((folder) => join(folder, 'mosquitto_dynamic_security.so')).find((file) => existsSync(file));
}

/** The plugin's document: everybody may publish and receive, and subscribe to these filters. */
const subscribersOf = (filters: readonly string[]): object => ({
  clients: [],
  groups: [{ groupname: 'anyone', roles: [{ rolename: 'reader' }] }],
  roles: [
    {
      rolename: 'reader',
      acls: filters.map((topic) => ({ acltype: 'subscribePattern', topic, allow: true })),
    },
  ],
  anonymousGroup: 'anyone',
  defaultACLAccess: { publishClientSend: true, publishClientReceive: true, subscribe: false, unsubscribe: true },
});

/** Debian has it beside the broker's clients, in /usr/bin. */
const passwordProgram = (program: string): string => program.replace(/\/s?bin\/mosquitto$/, '/bin/mosquitto_passwd');

function running(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (/mosquitto version .* running/.test(said)) resolve();
    });
    child.on('exit', (code) => reject(new Error(`mosquitto ended with ${code}: ${said}`)));
  });
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}
