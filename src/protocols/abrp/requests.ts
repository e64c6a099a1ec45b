import type { Tlm } from './telemetry.ts';

/** Where ABRP's telemetry API is. */
export const abrpUrl = 'https://api.iternio.com/1/';

/** Most points in one `bulk` call. ABRP states no limit; peers send up to 100. */
export const bulkLimit = 100;

/** A request to ABRP, without time-outs: what a client hands to HTTP. */
export interface AbrpRequest {
  method: 'GET' | 'POST';
  url: string;
  headers: Readonly<Record<string, string>>;
  body?: string;
}

/** Names the application and the vehicle. The user's token belongs to one vehicle of one account. */
export interface AbrpAccess {
  /** Base address; that of `tlm/send` itself is understood too. */
  url: string;
  /** Key of the application. */
  apiKey: string;
  /** The user's token for the vehicle. */
  token: string;
}

/** The address of a method below the base: `https://api.iternio.com/1/` + `tlm/send`. A bare host gets the version, `/1/`. */
export function methodUrl(base: string, method: string): URL {
  const url = new URL(base);
  const path = url.pathname.replace(/\/(tlm(\/(send|bulk))?)?\/*$/, '');
  url.pathname = `${path === '' ? '/1' : path}/tlm/${method}`;
  return url;
}

const headers = (apiKey: string): Record<string, string> => ({
  Authorization: `APIKEY ${apiKey}`,
  'Content-Type': 'application/json',
  Accept: 'application/json',
});

function withToken({ url, token }: AbrpAccess, method: string): string {
  const address = methodUrl(url, method);
  address.searchParams.set('token', token);
  return address.href;
}

/** One point: `POST tlm/send?token=…` with `{"tlm":{…}}`. */
export function sendRequest(access: AbrpAccess, tlm: Tlm): AbrpRequest {
  return {
    method: 'POST',
    url: withToken(access, 'send'),
    headers: headers(access.apiKey),
    body: JSON.stringify({ tlm }),
  };
}

/** Several points of one vehicle in order: `POST tlm/bulk` with `{"data":[{"token","tlm_list"}]}`. */
export function bulkRequest({ url, apiKey, token }: AbrpAccess, points: readonly Tlm[]): AbrpRequest {
  return {
    method: 'POST',
    url: methodUrl(url, 'bulk').href,
    headers: headers(apiKey),
    body: JSON.stringify({ data: [{ token, tlm_list: points }] }),
  };
}

/** What ABRP holds of the vehicle: `GET tlm/get_telemetry?token=…`. */
export function telemetryRequest(access: AbrpAccess): AbrpRequest {
  const { Authorization, Accept } = headers(access.apiKey);
  return {
    method: 'GET',
    url: withToken(access, 'get_telemetry'),
    headers: { Authorization, Accept } as Record<string, string>,
  };
}
