import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { type SimulatorRequest, sendJson } from '../http.ts';
import { type Account, allScopes } from './account.ts';
import { linkPage } from './link-page.ts';
import { type Answer, answers, deviceFaults, malformed, namesOf, pollFaults, refreshFaults } from './oauth-answers.ts';

/** How the login behaves. */
export interface OauthManners {
  /** Seconds between polls that the answer asks for. */
  interval: number;
  /** Milliseconds from the device code to its approval; undefined: the link or a control approves. */
  approveAfter: number | undefined;
  /** Milliseconds after the approval during which polls are still answered with access_denied. */
  deniedAfterApproval: number;
  /** Also takes a request for a device code without `response_type` and PKCE, as BMW seems to. */
  lenient: boolean;
  /** Puts the gcid into the answer to a refresh, as BMW's document has it; BMW itself leaves it out. */
  gcidInRefresh: boolean;
}

/** BMW's manners. */
export const oauthManners: OauthManners = {
  interval: 5,
  approveAfter: undefined,
  deniedAfterApproval: 0,
  lenient: false,
  gcidInRefresh: false,
};

/** A device code and what has become of it. */
interface Code {
  userCode: string;
  challenge: string | undefined;
  scope: string;
  expires: number;
  state: 'pending' | 'approved' | 'denied' | 'used';
  approvedAt: number;
  /** Milliseconds that have to lie between two polls. */
  interval: number;
  lastPoll: number | undefined;
}

/** The authorisation server. */
export interface Oauth {
  /** Answers its two endpoints and the page where the user approves; false for any other path. */
  handle(request: SimulatorRequest, response: ServerResponse): boolean;
  /** The user approves (or declines) the code; false when it is not waiting. Without a code: all that wait. */
  decide(userCode: string | undefined, approve: boolean): boolean;
}

const devicePath = '/gcdm/oauth/device/code';
const tokenPath = '/gcdm/oauth/token';
const linkPath = '/oneid/link';
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';

/** A poll that is early by the jitter of a network is not held against the client. */
const pollTolerance = 250;

const letters = 'abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ';
const newUserCode = (): string => Array.from(randomBytes(8), (byte) => letters[byte % letters.length]).join('');

/** BMW's device code is a JWT; here it is one in shape. */
function newDeviceCode(userCode: string, expires: number): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { user_code: userCode, exp: Math.floor(expires / 1000), jti: randomUUID() };
  return `${part({ typ: 'JWT', alg: 'HS256' })}.${part(claims)}.${randomBytes(32).toString('base64url')}`;
}

const missing = (form: URLSearchParams, names: readonly string[]): string | undefined =>
  names.find((name) => !form.get(name));

/**
 * BMW's customer login: OAuth 2.0 device flow with PKCE (RFC 8628, RFC 7636), with BMW's paths, status codes and manners.
 *
 * @param link address of the page where the user approves
 */
export function createOauth(account: Account, manners: OauthManners, link: () => string): Oauth {
  const { clock, clientId, faults, lifetimes, emit } = account;
  const codes = new Map<string, Code>();

  const decide = (userCode: string | undefined, approve: boolean): boolean => {
    const waiting = [...codes.values()].filter(
      (code) => code.state === 'pending' && code.expires > clock.now() && (userCode ?? code.userCode) === code.userCode,
    );
    for (const code of waiting) {
      code.state = approve ? 'approved' : 'denied';
      code.approvedAt = clock.now();
      emit({ event: approve ? 'login_approved' : 'login_declined', user_code: code.userCode });
    }
    return waiting.length > 0;
  };

  const device = (form: URLSearchParams): Answer => {
    const fault = faults.takeOne(namesOf(deviceFaults));
    if (fault) return deviceFaults[fault] as Answer;
    const required = ['client_id', 'response_type', 'scope', 'code_challenge', 'code_challenge_method'];
    const absent = missing(form, manners.lenient ? ['client_id'] : required);
    if (absent) return malformed(`Parameter '${absent}' is absent`);
    if (form.get('client_id') !== clientId) return answers.invalidClient;
    if ((form.get('response_type') ?? 'device_code') !== 'device_code') {
      return malformed("Parameter 'response_type' is not valid");
    }
    if ((form.get('code_challenge_method') ?? 'S256') !== 'S256') {
      return malformed("Parameter 'code_challenge_method' is not valid");
    }
    // A scope that is left out is not answered with all scopes, whatever BMW's document says.
    const scopes = (form.get('scope') ?? 'authenticate_user').split(' ').filter(Boolean);
    if (scopes.some((scope) => !allScopes.split(' ').includes(scope)))
      return malformed("Parameter 'scope' is not valid");

    const userCode = newUserCode();
    const expires = clock.now() + lifetimes.code;
    const deviceCode = newDeviceCode(userCode, expires);
    codes.set(deviceCode, {
      userCode,
      challenge: form.get('code_challenge') ?? undefined,
      scope: scopes.join(' '),
      expires,
      state: 'pending',
      approvedAt: 0,
      interval: manners.interval * 1000,
      lastPoll: undefined,
    });
    emit({ event: 'login_started', user_code: userCode, link: `${link()}?user_code=${userCode}` });
    if (manners.approveAfter !== undefined)
      clock.after(manners.approveAfter, () => decide(userCode, true), { idle: true });
    return {
      status: 200,
      body: {
        user_code: userCode,
        device_code: deviceCode,
        interval: manners.interval,
        verification_uri: link(),
        expires_in: Math.ceil(lifetimes.code / 1000),
      },
    };
  };

  const poll = (form: URLSearchParams): Answer => {
    const absent = missing(form, ['client_id', 'device_code']);
    if (absent) return malformed(`Parameter '${absent}' is absent`);
    if (form.get('client_id') !== clientId) return answers.invalidClient;
    const code = codes.get(form.get('device_code') as string);
    const fault = faults.takeOne(namesOf(pollFaults));
    if (fault === 'poll-gateway-fault' && code) code.state = 'denied';
    if (fault === 'poll-slow-down' && code) code.interval += 5000;
    if (fault) return pollFaults[fault] as Answer;
    if (!code) return malformed("Parameter 'device_code' is not valid");

    const now = clock.monotonic();
    const early = code.lastPoll !== undefined && now - code.lastPoll < code.interval - pollTolerance;
    code.lastPoll = now;
    if (early) {
      code.interval += 5000;
      return answers.slowDown;
    }
    if (code.expires <= clock.now() || code.state === 'used') return answers.expired;
    if (code.state === 'pending') return answers.pending;
    if (code.state === 'denied') return answers.accessDenied;
    if (clock.now() - code.approvedAt < manners.deniedAfterApproval) return answers.accessDenied;
    if (code.challenge !== undefined) {
      const verifier = form.get('code_verifier') ?? '';
      const challenge = createHash('sha256').update(verifier).digest('base64url');
      if (challenge !== code.challenge) return malformed("Parameter 'code_verifier' is not valid");
    }
    code.state = 'used';
    emit({ event: 'login_done', scope: code.scope });
    return { status: 200, body: account.issue(code.scope, { withGcid: true }) };
  };

  const refresh = (form: URLSearchParams): Answer => {
    const fault = faults.takeOne(namesOf(refreshFaults));
    if (fault) return refreshFaults[fault] as Answer;
    const absent = missing(form, ['client_id', 'refresh_token']);
    if (absent) return malformed(`Parameter '${absent}' is absent`);
    if (form.get('client_id') !== clientId) return answers.invalidClient;
    const token = form.get('refresh_token') as string;
    const scope = account.refreshScope(token);
    if (scope === undefined) {
      emit({ event: 'refresh_refused' });
      return answers.deadRefreshToken;
    }
    emit({ event: 'tokens_renewed' });
    return { status: 200, body: account.issue(scope, { withGcid: manners.gcidInRefresh, replaces: token }) };
  };

  const grants: Record<string, (form: URLSearchParams) => Answer> = { [deviceGrant]: poll, refresh_token: refresh };

  const token = (form: URLSearchParams): Answer => {
    const grant = grants[form.get('grant_type') ?? ''];
    return grant ? grant(form) : malformed("Parameter 'grant_type' is absent or not supported");
  };

  return {
    decide,
    handle(request, response) {
      if (request.path === linkPath) {
        linkPage(request.query, response, decide);
        return true;
      }
      const endpoint = request.path === devicePath ? device : request.path === tokenPath ? token : undefined;
      if (!endpoint) return false;
      const form = request.headers['content-type']?.split(';')[0]?.trim() === 'application/x-www-form-urlencoded';
      const { status, body, headers } =
        request.method !== 'POST'
          ? { status: 405, body: undefined, headers: undefined }
          : form
            ? endpoint(new URLSearchParams(request.body))
            : malformed('The content type is not application/x-www-form-urlencoded');
      sendJson(response, status, body, { 'x-correlation-id': randomUUID(), ...headers });
      return true;
    },
  };
}
