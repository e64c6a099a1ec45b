import type { Credentials, Target } from '../protocols/influx/requests.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Context } from '../runtime/context.ts';
import { fail } from '../runtime/exit.ts';
import type { Options } from '../runtime/options.ts';
import { userNameOf, userNameOptions } from '../runtime/user-name.ts';
import { type HttpClient, httpClient } from '../transports/http/client.ts';
import { readPem } from '../transports/tls.ts';

/** Options of every command that speaks to InfluxDB: where it is, and who asks. */
export const serverOptions = {
  url: {
    type: 'url',
    key: 'influxdb.url',
    summary: 'base address of the server, instead of influxdb.host and influxdb.port',
  },
  host: {
    type: 'string',
    key: 'influxdb.host',
    env: ['BATTERYHAWK_INFLUXDB_HOST'],
    configOnly: true,
    default: 'localhost',
    summary: 'host of the server',
  },
  port: {
    type: 'integer',
    key: 'influxdb.port',
    env: ['BATTERYHAWK_INFLUXDB_PORT'],
    configOnly: true,
    default: 8086,
    min: 1,
    max: 65_535,
    summary: 'port of the server',
  },
  api: {
    type: 'choice',
    key: 'influxdb.api',
    choices: ['auto', 'v1', 'v2', 'v3', 'vm'],
    default: 'auto',
    summary: 'what the server is: InfluxDB 1.x, 2.x, 3, or VictoriaMetrics; auto asks it',
  },
  database: {
    type: 'string',
    value: 'NAME',
    key: 'influxdb.database',
    env: ['BATTERYHAWK_INFLUXDB_DATABASE'],
    default: 'battery_hawk',
    summary: 'database; the bucket of 2.x unless influxdb.bucket names one',
  },
  org: { type: 'string', value: 'NAME', key: 'influxdb.org', summary: 'organisation (2.x)' },
  bucket: { type: 'string', value: 'NAME', key: 'influxdb.bucket', summary: 'bucket (2.x)' },
  ...userNameOptions('influxdb.username', 'user (1.x, or a proxy)', ['BATTERYHAWK_INFLUXDB_USERNAME']),
  password: {
    type: 'secret',
    key: 'influxdb.password',
    env: ['BATTERYHAWK_INFLUXDB_PASSWORD'],
    summary: 'password of influxdb.username',
  },
  token: { type: 'secret', key: 'influxdb.token', summary: 'token (2.x, 3)' },
  ca: { type: 'file', key: 'influxdb.ca', summary: 'certificates (PEM) to trust instead of the built-in ones' },
  readTimeout: { type: 'duration', default: 30_000, min: 100, summary: 'time for one exchange', rare: true },
} as const satisfies Options;

type Ctx = Context<typeof serverOptions>;

/** The server that the options name. Throws exit status 78 when they name none, or more than a server. */
export function targetOf(
  opts: Pick<Ctx['opts'], 'url' | 'host' | 'port' | 'database' | 'org' | 'bucket'>,
  rp?: string,
): Target {
  const { host, port, database, org, bucket } = opts;
  const name = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  const url = opts.url ?? `http://${name}:${port}`;
  checkUrl(url, opts.url === undefined ? 'influxdb.host' : 'influxdb.url');
  if ((bucket ?? database) === '') throw fail('config', `influxdb.${bucket === '' ? 'bucket' : 'database'}: is empty`);
  return { url, database, rp, org, bucket };
}

/** @param key what names the address, which is not shown whole: a password may be in it */
function checkUrl(text: string, key: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url?.hostname) throw fail('config', `${key}: no host`);
  if (url.username || url.password)
    throw fail(
      'config',
      `${key}: holds a user name or a password`,
      'Give them with --username and --password-file, or a token with --token-file.',
    );
  if (!/^https?:$/.test(url.protocol))
    throw fail('config', `${key} ${url.protocol}//…: not the address of a database`, 'Use http://HOST:8086.');
  if (/[?#]/.test(text))
    throw fail(
      'config',
      `${key}: has a query`,
      'It ends where /write or /api begins; --database, --org and --bucket say the rest.',
    );
}

/** Makes calls to the server, and believes whom `--ca` names. Throws exit status 78 when that is no such file. */
export function serverClient({ clock, opts }: { clock: Clock; opts: Pick<Ctx['opts'], 'ca'> }): HttpClient {
  const http = httpClient(clock);
  const ca = readPem(opts.ca, '--ca');
  return ca === undefined ? http : { ...http, call: (request) => http.call({ ...request, ca }) };
}

/** Who asks. Secrets are read from their files each time. */
export async function credentialsOf(ctx: {
  secret: Ctx['secret'];
  opts: Pick<Ctx['opts'], 'user'>;
}): Promise<Credentials> {
  const [username, password, token] = await Promise.all([userNameOf(ctx), ctx.secret('password'), ctx.secret('token')]);
  return { ...(username === undefined ? {} : { username, password }), ...(token === undefined ? {} : { token }) };
}
