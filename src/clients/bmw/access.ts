import type { Context } from '../../runtime/context.ts';
import { fail } from '../../runtime/exit.ts';
import { claimsOf } from './jwt.ts';
import type { Tokens } from './oauth.ts';
import { startOver } from './portal.ts';
import { grantsOf } from './scopes.ts';
import type { Access } from './stream.ts';
import { idTokenExpiry, renewalTime, type TokenStore } from './tokens.ts';

const lifetime = 3_600_000;
const soon = 60_000;

/** The account that the tokens belong to. Throws exit status 77 when nobody says. */
export function accountOf(tokens: Tokens, gcid: string | undefined): string {
  const account = gcid ?? tokens.gcid;
  if (account === undefined) {
    throw fail('noPermission', 'the login holds no gcid, the name of the account', 'Run bmw-login, or set bmw.gcid.');
  }
  return account;
}

/** BMW's broker: the user is the account, the password is the id token, which lives for an hour. */
export function bmwAccess(store: TokenStore, ctx: Pick<Context, 'clock' | 'log'>, gcid: string | undefined): Access {
  let current: Tokens | undefined;
  return {
    async get(force) {
      const { clock, log } = ctx;
      let tokens = await store.read();
      if (force || clock.now() >= renewal(tokens).at)
        tokens = await store.refresh(force ? (current ?? tokens) : tokens);
      current = tokens;
      if (tokens.id_token === undefined) throw fail('noPermission', 'the login holds no id token', startOver);
      if (grantsOf(tokens).stream === false) {
        throw fail('noPermission', 'the login is not for CarData Stream: its scope is missing', startOver);
      }
      let { at, expiry } = renewal(tokens);
      if (expiry - clock.now() < soon && Date.parse(tokens.expires_at) - clock.now() >= soon) {
        log.lost('clock', "BMW's fresh token has run out by this machine's clock: is the clock right?");
        expiry = Date.parse(tokens.expires_at);
        at = renewalTime(clock.now(), expiry);
      }
      return { username: accountOf(tokens, gcid), password: tokens.id_token, renewAt: at };
    },
  };
}

function renewal(tokens: Tokens): { at: number; expiry: number } {
  const expiry = idTokenExpiry(tokens);
  const { iat } = claimsOf(tokens.id_token) ?? {};
  return { at: renewalTime(typeof iat === 'number' ? iat * 1000 : expiry - lifetime, expiry), expiry };
}
