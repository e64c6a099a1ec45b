import { statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Context } from '../../runtime/context.ts';
import { CommandError, exit, fail } from '../../runtime/exit.ts';
import { againIn, createBackoff } from '../../runtime/retry.ts';
import type { State } from '../../runtime/state.ts';
import { HttpFailure } from '../../transports/http/failure.ts';
import { claimsOf } from './jwt.ts';
import { describeAnswer, isTokenAnswer, type OAuthClient, type Tokens, tokensOf } from './oauth.ts';

/** The token file: `<data dir>/bmw-tokens.json`. */
export const tokenState = 'bmw-tokens';

/** Tokens from the configuration file, which seed an empty token file once. */
export interface TokenSeeds {
  clientId?: string | undefined;
  access?: string | undefined;
  refresh?: string | undefined;
  id?: string | undefined;
}

/** The login that all commands share. */
export interface TokenStore {
  /** The tokens now, whatever their age. Throws exit status 77 when there are none. */
  read(): Promise<Tokens>;
  /** Replaces the login. */
  save(tokens: Tokens): Promise<void>;
  /**
   * A new set in place of `stale`. One process at a time: whoever had to wait finds that another has renewed, and takes that.
   *
   * @throws exit status 77 when BMW refuses the refresh token · 69 when it could not be asked · 74 when the file cannot be written
   */
  refresh(stale: Tokens): Promise<Tokens>;
}

/** BMW's refresh tokens live so long after the last renewal, in milliseconds. */
export const refreshLifetime = 14 * 24 * 60 * 60 * 1000;

const loginNext = 'Run bmw-login.';

/** When the id token, BMW's MQTT password, runs out, in milliseconds since 1970. */
export function idTokenExpiry(tokens: Tokens): number {
  const { exp } = claimsOf(tokens.id_token) ?? {};
  return typeof exp === 'number' ? exp * 1000 : Date.parse(tokens.expires_at);
}

/** Five minutes ahead; of a short life three quarters. */
const ahead = 5 * 60_000;

/** When to renew a token that runs out at `expiry` and was got at `issued` (milliseconds since 1970). */
export function renewalTime(issued: number, expiry: number): number {
  return Math.max(expiry - ahead, issued + (expiry - issued) * 0.75);
}

const attempts = 4;

/** What a store needs of the context. */
type StoreContext = Pick<Context, 'state' | 'clock' | 'log' | 'redact' | 'dataDir' | 'signal'>;

/** Opens the token store. Every token that passes through is known to the redactor from then on. */
export function createTokenStore(ctx: StoreContext, oauth: OAuthClient, seeds: TokenSeeds = {}): TokenStore {
  const state: State<Tokens> = ctx.state<Tokens>(tokenState);
  const file = join(ctx.dataDir, `${tokenState}.json`);
  /** A set that BMW has given out and the disk would not take: the old one on disk is dead by now. */
  let unsaved: Tokens | undefined;
  let renewing: Promise<Tokens> | undefined;

  const known = (tokens: Tokens): Tokens => {
    for (const secret of [tokens.access_token, tokens.refresh_token, tokens.id_token]) if (secret) ctx.redact(secret);
    return tokens;
  };

  const seed = async (): Promise<Tokens | undefined> => {
    const { clientId, refresh, access, id } = seeds;
    if (!refresh || !clientId) return undefined;
    const expiry = claimsOf(access)?.exp ?? claimsOf(id)?.exp;
    ctx.log.info('token file made from bmw.tokens of the configuration; from now on the file counts');
    return state.update(
      (present) =>
        present ?? {
          client_id: clientId,
          access_token: access ?? '',
          refresh_token: refresh,
          ...(id && { id_token: id }),
          token_type: 'Bearer',
          expires_at: new Date(expiry === undefined ? ctx.clock.now() : expiry * 1000).toISOString(),
        },
    );
  };

  const checked = (tokens: Tokens | undefined): Tokens => {
    if (!tokens) throw fail('noPermission', `token file ${file}: there is no login`, loginNext);
    const fault = faultOf(tokens);
    if (fault) throw fail('noPermission', `token file ${file}: ${fault}`, loginNext);
    return known(tokens);
  };

  const read = async (): Promise<Tokens> => {
    if (unsaved) {
      await state
        .update(() => unsaved as Tokens)
        .then(
          () => {
            unsaved = undefined;
            ctx.log.recovered('token file', 'token file is written again');
          },
          () => {},
        );
      if (unsaved) return unsaved;
    }
    checkFile(file, ctx.log);
    return checked((await state.read()) ?? (await seed()));
  };

  /** One exchange under the lock. */
  const renewOnce = async (stale: Tokens): Promise<Tokens> => {
    let fresh: Tokens | undefined;
    try {
      return await state.update(async (present) => {
        const tokens = checked(present);
        if (tokens.refresh_token !== stale.refresh_token) return tokens;
        const answer = await oauth.refresh(tokens.client_id, tokens.refresh_token);
        if (!isTokenAnswer(answer)) throw refreshFailure(answer.error, describeAnswer(answer));
        fresh = known(tokensOf(answer, tokens.client_id, ctx.clock.now(), tokens));
        ctx.log.debug('tokens renewed', { until: fresh.expires_at });
        return fresh;
      });
    } catch (error) {
      if (!fresh || !(error instanceof CommandError) || error.status !== exit.io) throw error;
      unsaved = fresh;
      ctx.log.lost('token file', `${error.message}; the new tokens are kept in memory and written as soon as possible`);
      return fresh;
    }
  };

  const renew = async (stale: Tokens): Promise<Tokens> => {
    const before = await read();
    if (before.refresh_token !== stale.refresh_token) return before;
    // The renewal kills the token on disk. On a full disk it is better not to begin.
    await state.update(checked);
    const backoff = createBackoff({ first: 2000, cap: 20_000 });
    for (;;) {
      let wait: number;
      try {
        const tokens = await renewOnce(stale);
        ctx.log.recovered('renewal', 'tokens are renewed again');
        return tokens;
      } catch (error) {
        const failure = error instanceof HttpFailure ? unavailable(error.message, error) : error;
        const temporary = failure instanceof CommandError && failure.status === exit.unavailable;
        if (!temporary || backoff.attempts + 1 >= attempts) throw failure;
        wait = backoff.next();
        ctx.log.lost('renewal', againIn(failure.message, wait));
      }
      await ctx.clock.sleep(wait, ctx.signal);
    }
  };

  return {
    read,
    async save(tokens) {
      unsaved = undefined;
      checkFile(file, ctx.log);
      await state.update(() => known(tokens));
    },
    refresh(stale) {
      renewing ??= renew(stale).finally(() => {
        renewing = undefined;
      });
      return renewing;
    },
  };
}

const unavailable = (why: string, cause?: unknown): CommandError =>
  fail('unavailable', `token renewal: ${why}`, 'Try again later.', cause);

/** A dead refresh token is told in several ways, all of them beginning with `invalid_`; anything else may pass. */
function refreshFailure(error: string | undefined, description: string): CommandError {
  if (!error?.startsWith('invalid_')) return unavailable(description);
  const next = error === 'invalid_client' ? 'Check the client id in the portal, then run bmw-login.' : loginNext;
  return fail('noPermission', `token renewal: BMW refused the refresh token: ${description}`, next);
}

/** What is wrong with a token file that is JSON; undefined: nothing. */
function faultOf(tokens: unknown): string | undefined {
  if (typeof tokens !== 'object' || tokens === null) return 'holds no tokens';
  const keys = tokens as Readonly<Record<string, unknown>>;
  for (const key of ['client_id', 'refresh_token', 'access_token', 'expires_at']) {
    if (typeof keys[key] !== 'string') return `incomplete: ${key} is missing`;
  }
  return undefined;
}

/**
 * Why user `uid` must not use a token file that is somebody else's: it would change hands, or get lost, at the next renewal.
 * Root may: writing keeps the owner.
 */
export function ownerFault(file: string, uid: number): CommandError | undefined {
  const owner = statSync(file, { throwIfNoEntry: false })?.uid;
  if (owner === undefined || uid <= 0 || owner === uid) return undefined;
  const next = 'Run as that user, or log in with another --data-dir.';
  return fail('noPermission', `token file ${file}: belongs to user id ${owner}, this is ${uid}`, next);
}

function checkFile(file: string, log: Pick<Context['log'], 'lost'>): void {
  const fault = ownerFault(file, userInfo().uid);
  if (fault) throw fault;
  if (((statSync(file, { throwIfNoEntry: false })?.mode ?? 0) & 0o077) !== 0) {
    log.lost('token mode', `token file ${file}: readable by others; the next renewal sets mode 0600`);
  }
}
