/** Which interface a server has: InfluxDB 1.x, 2.x, 3 Core, VictoriaMetrics. */
export type Api = 'v1' | 'v2' | 'v3' | 'vm';

/** What writing and managing need to know of a server. */
export interface Target {
  /** Base address, `http://localhost:8086`. */
  url: string;
  database: string;
  /** Retention policy (1.x). */
  rp?: string | undefined;
  /** 2.x. */
  org?: string | undefined;
  bucket?: string | undefined;
}

/** Who asks. */
export interface Credentials {
  username?: string | undefined;
  password?: string | undefined;
  token?: string | undefined;
}

type Precision = 'ms' | 's';

/** The name of the precision in InfluxDB 3; the others say `ms` and `s`. */
const longPrecision: Record<Precision, string> = { ms: 'millisecond', s: 'second' };

const base = (url: string): string => url.replace(/\/+$/, '');

const query = (parameters: Readonly<Record<string, string | undefined>>): string =>
  new URLSearchParams(
    Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined),
  ).toString();

/** The bucket of 2.x: its own name, or as the database of 1.x is named there (`database/policy`). */
export const bucketOf = ({ bucket, database, rp }: Target): string =>
  bucket ?? (rp === undefined ? database : `${database}/${rp}`);

/** Where lines are sent. The time stamps' unit is always said: a server takes an unknown one for nanoseconds. */
export function writeUrl(api: Api, target: Target, precision: Precision): string {
  const { url, database, rp, org } = target;
  switch (api) {
    case 'v2':
      return `${base(url)}/api/v2/write?${query({ org, bucket: bucketOf(target), precision })}`;
    case 'v3':
      return `${base(url)}/api/v3/write_lp?${query({ db: database, precision: longPrecision[precision], accept_partial: 'true' })}`;
    case 'vm':
      return `${base(url)}/write?${query({ db: database, precision })}`;
    default:
      return `${base(url)}/write?${query({ db: database, rp, precision })}`;
  }
}

/** The `Authorization` header; empty where nobody has to say who he is. */
export function authorization(api: Api, { username, password, token }: Credentials): Record<string, string> {
  if (token !== undefined) return { authorization: `${api === 'v3' ? 'Bearer' : 'Token'} ${token}` };
  if (username === undefined || username === '') return {};
  const pair = new TextEncoder().encode(`${username}:${password ?? ''}`);
  return { authorization: `Basic ${btoa(String.fromCharCode(...pair))}` };
}

/** A database or bucket that is to be there. */
export function createRequest(
  api: Api,
  target: Target,
): { method: 'POST'; url: string; body: string; type: string } | undefined {
  const form = 'application/x-www-form-urlencoded';
  const { database } = target;
  if (api === 'v1')
    return {
      method: 'POST',
      url: queryUrl(target),
      type: form,
      body: query({ q: `CREATE DATABASE ${quoted(database)}` }),
    };
  if (api === 'v3')
    return {
      method: 'POST',
      url: `${base(target.url)}/api/v3/configure/database`,
      type: 'application/json',
      body: JSON.stringify({ db: database }),
    };
  return undefined;
}

/** Where statements of 1.x go. */
export const queryUrl = ({ url }: Target): string => `${base(url)}/query`;

/** An address below the server's own. */
export const apiUrl = (
  { url }: Target,
  path: string,
  parameters: Readonly<Record<string, string | undefined>> = {},
): string => {
  const rest = query(parameters);
  return `${base(url)}${path}${rest === '' ? '' : `?${rest}`}`;
};

/** A name in InfluxQL. */
export const quoted = (name: string): string => `"${name.replace(/[\\"]/g, '\\$&')}"`;
