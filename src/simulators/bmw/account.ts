import { randomBytes, randomUUID } from 'node:crypto';
import type { Clock } from '../../runtime/clock.ts';
import type { Faults } from './faults.ts';

/** How long what BMW issues is good for, in milliseconds. */
export interface Lifetimes {
  /** Device code (BMW: 5 min). */
  code: number;
  /** Access token (BMW: 1 h). */
  access: number;
  /** Id token, the password of the broker (BMW: 1 h). */
  id: number;
  /** Refresh token, from its last use (BMW: 14 days). */
  refresh: number;
}

/** BMW's own lifetimes. */
export const bmwLifetimes: Lifetimes = {
  code: 300_000,
  access: 3_600_000,
  id: 3_600_000,
  refresh: 14 * 24 * 3_600_000,
};

/** All scopes that a client of CarData asks for. */
export const allScopes = 'authenticate_user openid cardata:streaming:read cardata:api:read';

/** Something that the simulator did, for its output and for tests. */
export interface BmwEvent {
  /** `login`, `connect`, `refused`, … in snake_case. */
  event: string;
  [fact: string]: unknown;
}

/** The answer of the token endpoint. */
interface TokenAnswer {
  access_token: string;
  token_type: 'Bearer';
  expires_in: number;
  refresh_token?: string;
  scope: string;
  id_token?: string;
  gcid?: string;
}

/** What a token is good for and until when (milliseconds since 1970). */
interface Grant {
  expires: number;
  scope: string;
}

/** One BMW account with one CarData client: the tokens that are in force. */
export interface Account {
  readonly gcid: string;
  readonly clientId: string;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly lifetimes: Lifetimes;
  readonly emit: (event: BmwEvent) => void;
  /** Issues a new set; the refresh token in use so far dies. */
  issue(scope: string, options: { withGcid: boolean; replaces?: string }): TokenAnswer;
  /** Whether the refresh token is in force, and with which scope. */
  refreshScope(token: string): string | undefined;
  /** What an access token allows; `expired` when it was one. */
  access(token: string): { scope: string } | 'expired' | undefined;
  /** What an id token allows; undefined when it is none in force. */
  id(token: string): { expires: number; streaming: boolean } | undefined;
  /** Withdraws every token, as de-subscribing in the portal does. */
  revoke(): void;
}

/** What makes an account. */
export interface AccountOptions {
  gcid: string;
  clientId: string;
  clock: Clock;
  faults: Faults;
  lifetimes: Lifetimes;
  emit: (event: BmwEvent) => void;
}

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A JWT in BMW's shape. The signature is random: whoever holds one may read it, only the simulator itself judges it, by its list. */
function idToken(options: AccountOptions, expires: number, scopes: readonly string[]): string {
  const { gcid, clientId, clock } = options;
  const header = { typ: 'JWT', kid: 'simulator', alg: 'RS256' };
  const claims = {
    sub: gcid,
    aud: clientId,
    iss: 'https://customer.bmwgroup.com/am/oauth2',
    realm: '/customer',
    tokenType: 'JWTToken',
    jti: randomUUID(),
    iat: Math.floor(clock.now() / 1000),
    exp: Math.floor(expires / 1000),
    dynamic_scopes: scopes,
  };
  return `${part(header)}.${part(claims)}.${randomBytes(256).toString('base64url')}`;
}

/** An account without any token yet. */
export function createAccount(options: AccountOptions): Account {
  const { gcid, clock, faults, lifetimes } = options;
  const accessTokens = new Map<string, Grant>();
  const idTokens = new Map<string, Grant>();
  const refreshTokens = new Map<string, Grant>();

  return {
    ...options,
    issue(asked, { withGcid, replaces }) {
      const now = clock.now();
      const scope = faults.take('token-scope-missing') ? 'authenticate_user openid' : asked;
      const streaming = scope.includes('cardata:streaming:read') && !faults.take('token-no-dynamic-scopes');
      const access = randomBytes(40).toString('base64url');
      // BMW's answer says a second less than the token lives; `exp` is in whole seconds.
      const idExpires = Math.floor((now + lifetimes.id) / 1000) * 1000;
      const id = idToken(options, idExpires, streaming ? [`read:streaming/*/${gcid}.*`] : []);
      accessTokens.set(access, { expires: now + lifetimes.access, scope });
      idTokens.set(id, { expires: idExpires, scope: streaming ? 'stream' : '' });
      const answer: TokenAnswer = {
        access_token: access,
        token_type: 'Bearer',
        expires_in: Math.max(1, Math.floor(lifetimes.access / 1000) - 1),
        scope,
      };
      if (!faults.take('token-no-refresh-token')) {
        if (replaces !== undefined) refreshTokens.delete(replaces);
        answer.refresh_token = randomBytes(40).toString('base64url');
        refreshTokens.set(answer.refresh_token, { expires: now + lifetimes.refresh, scope: asked });
      }
      if (asked.includes('openid') && !faults.take('token-no-id-token')) answer.id_token = id;
      if (withGcid) answer.gcid = gcid;
      return answer;
    },
    refreshScope(token) {
      const grant = refreshTokens.get(token);
      return grant && grant.expires > clock.now() ? grant.scope : undefined;
    },
    access(token) {
      const grant = accessTokens.get(token);
      if (!grant) return undefined;
      return grant.expires > clock.now() ? { scope: grant.scope } : 'expired';
    },
    id(token) {
      const grant = idTokens.get(token);
      if (!grant || grant.expires <= clock.now()) return undefined;
      return { expires: grant.expires, streaming: grant.scope === 'stream' };
    },
    revoke() {
      for (const tokens of [accessTokens, idTokens, refreshTokens]) tokens.clear();
    },
  };
}
