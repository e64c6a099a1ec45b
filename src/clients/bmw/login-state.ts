import type { VoltRecord } from '../../records/record.ts';
import { formatTime } from '../../records/time.ts';
import type { Tokens } from './oauth.ts';
import { grantsOf } from './scopes.ts';
import { idTokenExpiry, refreshLifetime } from './tokens.ts';

/** `expiring`: good, but somebody has to renew it soon. `dead`: only a new login helps. */
export type LoginStatus = 'valid' | 'expiring' | 'dead';

const minute = 60_000;
const hour = 60 * minute;
const lastDays = 48 * hour;

/** BMW doesn't say how old a refresh token is, but it was given out with the access token, an hour before that one's end. */
const loginUntil = (tokens: Tokens): number => Date.parse(tokens.expires_at) - hour + refreshLifetime;

/** How a stored login stands at `now` (milliseconds since 1970), judged without asking BMW. */
export function statusOf(tokens: Tokens, now: number): LoginStatus {
  const until = loginUntil(tokens);
  if (now >= until) return 'dead';
  const expiry = Math.min(idTokenExpiry(tokens), Date.parse(tokens.expires_at));
  return expiry - now < minute || until - now < lastDays ? 'expiring' : 'valid';
}

/** The `bmw_login` record of a login; no token is in it. */
export function describeLogin(tokens: Tokens, now: number): VoltRecord {
  const { stream, api } = grantsOf(tokens);
  return {
    type: 'bmw_login',
    time: formatTime(now),
    status: statusOf(tokens, now),
    client_id: tokens.client_id,
    ...(tokens.gcid !== undefined && { gcid: tokens.gcid }),
    ...(tokens.scope !== undefined && { scope: tokens.scope }),
    ...(stream !== undefined && { stream }),
    ...(api !== undefined && { api }),
    expires_at: tokens.expires_at,
    login_until: formatTime(loginUntil(tokens)),
  };
}
