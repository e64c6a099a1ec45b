import { schemeOf, schemes } from '../clients/send/schemes.ts';
import type { LinkOptions } from '../clients/send/settings.ts';
import { flagOf } from '../runtime/common-options.ts';
import { fail } from '../runtime/exit.ts';
import type { Options, Values } from '../runtime/options.ts';
import { userNameOptions } from '../runtime/user-name.ts';
import { parseDuration, ValueError } from '../runtime/values.ts';
import { readPem, type TlsOptions } from '../transports/tls.ts';
import { csvTableOptions } from './csv-options.ts';

/** The options of `send`. Those that not every scheme knows have no default here: the scheme has. */
export const sendOptions = {
  url: {
    type: 'secret',
    key: 'send.url',
    summary: 'whole address, where it holds a secret, in the place of the argument',
  },
  payload: { type: 'choice', choices: ['json', 'csv'], default: 'json', summary: 'what the far side gets of a record' },
  frame: {
    type: 'choice',
    choices: ['lf', 'crlf', 'nul', 'length', 'octets', 'json-seq', 'none'],
    summary: 'how one record is told from the next; see FRAMES',
  },
  confirm: {
    type: 'choice',
    choices: ['none', 'line'],
    summary: 'line: a record counts as delivered when the far side has answered with a line (ws: a message)',
  },
  method: { type: 'choice', choices: ['POST', 'PUT', 'PATCH'], summary: 'method of HTTP; POST unless said' },
  body: {
    type: 'choice',
    choices: ['ndjson', 'array', 'object'],
    summary: 'form of a request: records line by line, a JSON array, or one object a request; ndjson unless said',
  },
  batch: { type: 'integer', min: 1, max: 100_000, summary: 'records in a request at most; 500 unless said' },
  linger: { type: 'duration', default: 0, max: 3_600_000, summary: 'how long a record waits for others to go with it' },
  gzip: { type: 'flag', summary: 'compress requests' },
  header: { type: 'string', repeatable: true, value: "'NAME: VALUE'", summary: 'a further header' },
  headers: { type: 'secret', key: 'send.headers', summary: 'further headers, a line each, that nobody shall see' },
  ...userNameOptions('send.username', 'user of HTTP basic authentication'),
  password: { type: 'secret', key: 'send.password', summary: 'password of that user' },
  token: { type: 'secret', key: 'send.token', summary: 'bearer token' },
  subprotocol: { type: 'list', value: 'NAME,…', summary: 'WebSocket subprotocols to offer' },
  ping: { type: 'duration', min: 100, summary: 'time between pings on a silent WebSocket; 30s unless said' },
  rejects: {
    type: 'file',
    value: 'FILE|FD',
    summary: 'append the records that the far side rejects, with the reason, to a file or descriptor',
  },
  ca: { type: 'file', key: 'send.ca', summary: 'certificates to trust instead of the built-in ones, PEM' },
  cert: { type: 'file', key: 'send.cert', summary: 'our own certificate, PEM, where the far side asks for one' },
  key: { type: 'file', key: 'send.key', summary: 'the key of that certificate, PEM' },
  insecure: { type: 'flag', summary: 'believe whoever answers: no certificate is checked' },
  rotateSize: { type: 'size', min: 1024, summary: 'put the file aside before it grows beyond this' },
  rotateEvery: {
    type: 'choice',
    choices: ['day', 'hour'],
    summary: 'put the file aside when a day or an hour is over',
  },
  compress: { type: 'flag', summary: 'compress what was put aside' },
  keep: { type: 'integer', min: 0, summary: 'how many files put aside are kept; all unless said' },
  sync: {
    type: 'string',
    value: 'always|DURATION|never',
    summary: 'when the disk is told to have it; every 1s unless said',
  },
  queue: { type: 'integer', min: 1, default: 1000, summary: 'records that wait at most, beside those under way' },
  whenFull: {
    type: 'choice',
    choices: ['block', 'drop-oldest'],
    default: 'block',
    summary: 'what a full queue does: read no more, or let the oldest go and send a gap record in their place',
  },
  retryFor: {
    type: 'duration',
    default: 60_000,
    summary: 'after the end of input, how long a far side that takes nothing is tried; 0: not again',
  },
  readTimeout: {
    type: 'duration',
    default: 30_000,
    min: 100,
    summary: 'time for one exchange; without progress for so long a connection counts as dead',
  },
  of: {
    type: 'string',
    value: 'TYPE',
    summary: 'with --payload csv: record type of the table; the first record decides unless said',
  },
  ...csvTableOptions,
  csvHeader: { type: 'flag', default: true, summary: 'begin with the names of the columns, with --payload csv' },
  dryRun: { type: 'flag', summary: 'print what would be sent, and send nothing' },
} as const satisfies Options;

/** Their values. */
export type SendValues = Values<typeof sendOptions>;

const defaultPing = 30_000;
const defaultSync = 1000;

const isGiven = (value: unknown): boolean =>
  value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0);

/** Options that mean something for some schemes alone. */
const particular = new Set(Object.values(schemes).flatMap(({ options }) => options));

/** Says which options mean nothing for the address, instead of ignoring them. Throws exit status 64. */
export function checkForScheme(opts: Readonly<Record<string, unknown>>, url: URL): void {
  const scheme = schemeOf(url);
  if (!scheme) {
    const forms = Object.values(schemes).map(({ form }) => form);
    throw fail('usage', `${url.protocol} is no scheme that it knows`, `There are ${forms.join(', ')}.`);
  }
  const idle = [...particular].filter((name) => isGiven(opts[name]) && !scheme.options.includes(name));
  // A configuration file serves several commands: keys of send.* may be for another one.
  const said = idle.filter((name) => !('key' in (sendOptions[name as keyof typeof sendOptions] as object)));
  if (said.length > 0)
    throw fail(
      'usage',
      `${said.map((name) => flagOf(name, sendOptions[name as keyof typeof sendOptions])).join(', ')}: means nothing for ${url.protocol}//`,
    );
}

/** `always`, `never` or a duration, in milliseconds; 0: after every portion; undefined: never. */
function syncOf(text: string | undefined): number | undefined {
  if (text === undefined) return defaultSync;
  if (text === 'always') return 0;
  if (text === 'never') return undefined;
  try {
    return parseDuration(text);
  } catch (error) {
    if (error instanceof ValueError)
      throw fail('usage', `--sync ${text}: expected always, never or a duration such as 1s`);
    throw error;
  }
}

/** What links look at. Throws exit status 64. */
export function linkOptionsOf(opts: SendValues): LinkOptions {
  const { frame, confirm, readTimeout, method, body, batch, gzip, header, subprotocol, ping } = opts;
  const { rotateSize, rotateEvery, compress, keep, sync } = opts;
  return {
    ...{ frame, confirm, readTimeout, method, body, batch, gzip, header, subprotocol },
    ping: ping ?? defaultPing,
    ...{ rotateSize, rotateEvery, compress, keep },
    sync: syncOf(sync),
  };
}

/** Whom to trust, and who we are. Throws exit status 78 when a file can't be read. */
export function tlsOf({ ca, cert, key, insecure }: SendValues): TlsOptions {
  if ((cert === undefined) !== (key === undefined)) throw fail('config', '--cert and --key go together');
  return { ca: readPem(ca, '--ca'), cert: readPem(cert, '--cert'), key: readPem(key, '--key'), insecure };
}
