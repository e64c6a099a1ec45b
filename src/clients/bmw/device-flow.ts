import type { Clock } from '../../runtime/clock.ts';
import { fail } from '../../runtime/exit.ts';
import { againIn, createBackoff } from '../../runtime/retry.ts';
import { HttpFailure } from '../../transports/http/failure.ts';
import {
  type DeviceCode,
  describeAnswer,
  isTokenAnswer,
  type OAuthAnswer,
  type OAuthClient,
  type Tokens,
  tokensOf,
} from './oauth.ts';
import { startOver } from './portal.ts';
import { notingSilence } from './silence.ts';

/** What an answer to a poll asks of us. */
export type PollReaction = 'tokens' | 'pending' | 'slower' | 'denied' | 'expired' | 'burnt' | 'refused' | 'retry';

/** OAuth's errors (RFC 8628 section 3.5, and what BMW sends beyond), whatever the HTTP status is. */
const byError: Readonly<Record<string, PollReaction>> = {
  authorization_pending: 'pending',
  slow_down: 'slower',
  access_denied: 'denied',
  expired_token: 'expired',
};

/** The gateway lost its own key in the middle of the exchange: the device code cannot be used any longer. */
const burntCode = 'keymanagement.service.invalid_access_token';

/** Reads an answer of the token endpoint. A pure function, so that every case can be told. */
export function reactionTo(answer: OAuthAnswer): PollReaction {
  if (isTokenAnswer(answer)) return 'tokens';
  if (answer.error !== undefined) return byError[answer.error] ?? (answer.status >= 500 ? 'retry' : 'refused');
  if (answer.fault === burntCode) return 'burnt';
  if (answer.status === 429 || answer.status >= 500) return 'retry';
  return answer.status === 403 ? 'pending' : 'refused';
}

/** After an approval BMW's servers may still say `access_denied` for a minute. */
const deniedGrace = 120_000;
/** RFC 8628: added for good at each `slow_down`. */
const slowDownStep = 5000;
/** New device codes in one login, when the gateway burns them. */
const mostCodes = 3;
/** So often a code is asked for before the login is given up. */
const attempts = 5;

/** What the flow needs around it. */
export interface DeviceFlow {
  oauth: OAuthClient;
  clock: Clock;
  signal: AbortSignal;
  /** A code to show to the user; comes again with a new one when the last was burnt. */
  onCode(code: DeviceCode): void | Promise<void>;
  /** Something that the user may want to know while waiting. */
  onNote(text: string): void;
}

/**
 * Logs in: asks for a device code, shows it, and polls until the user has approved.
 *
 * @throws exit status 77 refused, denied or run out · 69 no answer · 76 nonsense
 */
export async function logIn(clientId: string, flow: DeviceFlow): Promise<Tokens> {
  for (let codes = 1; ; codes++) {
    const code = await newCode(clientId, flow);
    await flow.onCode(code);
    const tokens = await pollFor(clientId, code, flow);
    if (tokens) return tokens;
    if (codes === mostCodes) {
      throw fail('unavailable', `login: BMW's server spoilt ${mostCodes} codes`, 'Try again in an hour.');
    }
    flow.onNote('BMW spoilt this code. Here is a new one.');
  }
}

const refusals: Readonly<Record<string, string>> = {
  invalid_client: 'Check the client id (lower case, as the portal shows it) and that it still exists there.',
  invalid_scope: startOver,
};

function refused(what: string, answer: OAuthAnswer): Error {
  const next = refusals[answer.error ?? ''] ?? 'Check the client id and its subscriptions in the portal.';
  return fail('noPermission', `${what}: BMW refused: ${describeAnswer(answer)}`, next);
}

async function newCode(clientId: string, { oauth, clock, signal, onNote }: DeviceFlow): Promise<DeviceCode> {
  const backoff = createBackoff({ first: 2000, cap: 20_000 });
  for (;;) {
    let problem: string;
    try {
      const answer = await notingSilence(clock, onNote, () => oauth.device(clientId));
      if (answer.code) return answer.code;
      if (answer.status < 500 && answer.status !== 429) throw refused('device code', answer);
      problem = describeAnswer(answer);
    } catch (error) {
      if (!(error instanceof HttpFailure) || !error.temporary) throw asFailure(error);
      problem = error.message;
    }
    if (backoff.attempts + 1 === attempts) throw fail('unavailable', `device code: ${problem}`, 'Try again later.');
    const wait = backoff.next();
    onNote(againIn(`device code: ${problem}`, wait));
    await clock.sleep(wait, signal);
  }
}

const asFailure = (error: unknown): unknown =>
  error instanceof HttpFailure ? fail('unavailable', `login: ${error.message}`, undefined, error) : error;

/** Polls one device code to its end. Undefined: the code was burnt, another one is needed. */
async function pollFor(clientId: string, code: DeviceCode, flow: DeviceFlow): Promise<Tokens | undefined> {
  const { oauth, clock, signal } = flow;
  const end = clock.monotonic() + code.expires_in * 1000;
  const backoff = createBackoff({ first: 2000, cap: 20_000 });
  let interval = code.interval * 1000;
  let deniedAt: number | undefined;
  let extra = 0;
  let last: OAuthAnswer | undefined;
  for (;;) {
    await clock.sleep(interval + extra, signal);
    extra = 0;
    const now = clock.monotonic();
    if (now >= end) {
      const why = last === undefined ? '' : `: last answer ${describeAnswer(last)}`;
      throw fail('noPermission', `login: the code ran out before it was approved${why}`, 'Run bmw-login again.');
    }
    let answer: OAuthAnswer;
    try {
      answer = await oauth.poll(clientId, code);
    } catch (error) {
      if (!(error instanceof HttpFailure) || !error.temporary) throw asFailure(error);
      flow.onNote(`still waiting: ${error.message}`);
      extra = backoff.next();
      continue;
    }
    last = answer;
    const reaction = reactionTo(answer);
    if (reaction !== 'retry') backoff.reset();
    switch (reaction) {
      case 'tokens':
        return tokensOf(answer, clientId, clock.now());
      case 'pending':
        break;
      case 'slower':
        interval += slowDownStep;
        break;
      case 'denied':
        deniedAt ??= now;
        if (now - deniedAt >= deniedGrace) throw refused('login', answer);
        break;
      case 'expired':
        throw fail('noPermission', `login: the code ran out: ${describeAnswer(answer)}`, 'Run bmw-login again.');
      case 'burnt':
        return undefined;
      case 'refused':
        throw refused('login', answer);
      case 'retry':
        flow.onNote(`still waiting: BMW answered ${describeAnswer(answer)}`);
        extra = answer.retryAfter ?? backoff.next();
    }
  }
}
