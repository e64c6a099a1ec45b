import { fail } from '../../runtime/exit.ts';
import type { HttpAnswer, HttpClient } from '../../transports/http/client.ts';
import { requestedScope } from './scopes.ts';

/** A login, as the token file holds it. */
export interface Tokens {
  client_id: string;
  /** For the REST interface. */
  access_token: string;
  /** Good for 14 days and for one use: each renewal brings the next. */
  refresh_token: string;
  /** The MQTT password. */
  id_token?: string;
  /** The account: MQTT user name and first level of the topic. */
  gcid?: string;
  scope?: string;
  token_type: string;
  /** When the access token runs out, RFC 3339. */
  expires_at: string;
}

/** An answer of BMW's authorisation server, decoded as far as it can be. */
export interface OAuthAnswer {
  status: number;
  /** Empty when the body was no JSON object. */
  body: Readonly<Record<string, unknown>>;
  /** OAuth's `error`; what to do is decided by this, never by the status. */
  error: string | undefined;
  /** Error code of the gateway before the server, which answers in a form of its own. */
  fault: string | undefined;
  /** `x-correlation-id` or `x-request-id`, which BMW's support asks for. */
  correlation: string | undefined;
  /** `Retry-After` in milliseconds. */
  retryAfter: number | undefined;
}

/** The answer to a device request. */
export interface DeviceCode {
  device_code: string;
  /** Mixed case: shown as it came. */
  user_code: string;
  verification_uri: string;
  /** Seconds. */
  expires_in: number;
  interval: number;
  /** Proves at the token endpoint that we are the one who asked (PKCE). */
  verifier: string;
}

/** BMW's authorisation server. Every call rejects with HttpFailure when there was no answer at all. */
export interface OAuthClient {
  /** Asks for a device code. The answer is a {@link DeviceCode} or, with an `error`, a refusal. */
  device(clientId: string): Promise<OAuthAnswer & { code?: DeviceCode }>;
  /** Asks once whether the user has approved. */
  poll(clientId: string, code: DeviceCode): Promise<OAuthAnswer>;
  /** Trades the refresh token for a new set. */
  refresh(clientId: string, refreshToken: string): Promise<OAuthAnswer>;
}

/** How to reach it. */
export interface OAuthOptions {
  http: HttpClient;
  /** Scheme and host. */
  url: string;
  ca?: string | undefined;
  signal?: AbortSignal;
}

const timeoutMs = 20_000;

/** BMW's OAuth endpoints: device flow with PKCE and renewal (BMW's "Customer OAuth2.0 Login – Device Code Flow", v1.6). */
export function oauthClient({ http, url, ca, signal }: OAuthOptions): OAuthClient {
  const post = async (path: string, form: Readonly<Record<string, string>>): Promise<OAuthAnswer> =>
    decode(
      await http.call({
        method: 'POST',
        url: `${url.replace(/\/+$/, '')}/gcdm/oauth/${path}`,
        headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
        body: new URLSearchParams(form).toString(),
        timeoutMs,
        ...(ca !== undefined && { ca }),
        ...(signal && { signal }),
      }),
    );

  return {
    async device(clientId) {
      const { createHash, randomBytes } = await import('node:crypto');
      const verifier = randomBytes(32).toString('base64url');
      const answer = await post('device/code', {
        client_id: clientId,
        response_type: 'device_code',
        scope: requestedScope,
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
      });
      const { device_code, user_code, verification_uri, expires_in, interval } = answer.body;
      if (!isText(device_code) || !isText(user_code) || !isText(verification_uri)) return answer;
      const code = {
        device_code,
        user_code,
        verification_uri,
        expires_in: positive(expires_in) ?? 300,
        interval: positive(interval) ?? 5,
        verifier,
      };
      return { ...answer, code };
    },
    poll: (clientId, { device_code, verifier }) =>
      post('token', {
        client_id: clientId,
        grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
        device_code,
        code_verifier: verifier,
      }),
    refresh: (clientId, refreshToken) =>
      post('token', { client_id: clientId, grant_type: 'refresh_token', refresh_token: refreshToken }),
  };
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const positive = (value: unknown): number | undefined => {
  const number = Number(value);
  return Number.isFinite(number) && number > 0 ? number : undefined;
};

function decode({ status, headers, text }: HttpAnswer): OAuthAnswer {
  let body: Record<string, unknown> = {};
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null) body = parsed as Record<string, unknown>;
  } catch {
    // A page of some proxy: the status is all that it says.
  }
  const fault = (body['fault'] as { detail?: { errorcode?: unknown } } | undefined)?.detail?.errorcode;
  const seconds = positive(headers['retry-after']);
  return {
    status,
    body,
    error: isText(body['error']) ? body['error'] : undefined,
    fault: isText(fault) ? fault : undefined,
    correlation: headers['x-correlation-id'] ?? headers['x-request-id'],
    retryAfter: seconds === undefined ? undefined : seconds * 1000,
  };
}

/** What an answer says, for messages: error, description, status and the number that BMW's support asks for. */
export function describeAnswer(answer: OAuthAnswer): string {
  const { error_description: description } = answer.body;
  const what = [answer.error ?? answer.fault ?? 'no reason given', isText(description) ? description : undefined];
  const where = [
    `HTTP ${answer.status}`,
    answer.correlation === undefined ? undefined : `x-correlation-id ${answer.correlation}`,
  ];
  return `${what.filter(Boolean).join(': ')} (${where.filter(Boolean).join(', ')})`;
}

/** Whether the answer is a set of tokens. */
export const isTokenAnswer = ({ status, body }: OAuthAnswer): boolean =>
  status >= 200 && status < 300 && isText(body['access_token']);

/**
 * Makes the set of tokens out of an answer. A renewal often comes without `gcid`, now and then without `refresh_token` or
 * `id_token`: those of the last set stay.
 *
 * @param now wall time in milliseconds
 * @throws exit status 76 when there is no refresh token at all
 */
export function tokensOf(answer: OAuthAnswer, clientId: string, now: number, previous?: Tokens): Tokens {
  const { body } = answer;
  const pick = (key: 'refresh_token' | 'id_token' | 'gcid' | 'scope'): string | undefined =>
    isText(body[key]) ? body[key] : previous?.[key];
  const [refresh, id, gcid, scope] = [pick('refresh_token'), pick('id_token'), pick('gcid'), pick('scope')];
  if (refresh === undefined) throw fail('protocol', 'BMW answered without a refresh token', 'Run bmw-login again.');
  return {
    client_id: clientId,
    access_token: String(body['access_token']),
    refresh_token: refresh,
    ...(id !== undefined && { id_token: id }),
    ...(gcid !== undefined && { gcid }),
    ...(scope !== undefined && { scope }),
    token_type: isText(body['token_type']) ? body['token_type'] : 'Bearer',
    expires_at: new Date(now + (positive(body['expires_in']) ?? 3600) * 1000).toISOString(),
  };
}
