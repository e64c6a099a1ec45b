import type { FaultName } from './faults.ts';

/** Status, JSON body and headers of an answer; no body where BMW sends none. */
export type Answer = { status: number; body?: object; headers?: Record<string, string> };

const oauthError = (status: number, error: string, error_description: string): Answer => ({
  status,
  body: { error, error_description },
});

/** The error answers of BMW's token endpoint, as its document and logs of users have them. */
export const answers = {
  pending: oauthError(403, 'authorization_pending', 'The user has not finished the approval yet'),
  slowDown: oauthError(400, 'slow_down', 'This poll came before the interval was over'),
  accessDenied: oauthError(403, 'access_denied', 'The user has turned the request down'),
  expired: oauthError(401, 'expired_token', 'The code has run out; or the account still waits for its activation'),
  invalidClient: oauthError(401, 'invalid_client', 'The client could not be authenticated: it is not known'),
  deadRefreshToken: oauthError(
    400,
    'invalid_request',
    'The request lacks a required parameter, has one that is not supported, repeats one, or has a malformed value',
  ),
  gatewayFault: {
    status: 500,
    body: { fault: { detail: { errorcode: 'keymanagement.service.invalid_access_token' } } },
  },
  noJson: { status: 403 },
  rateLimit: { status: 429, body: { message: 'Too many requests' }, headers: { 'retry-after': '30' } },
  serverError: { status: 503 },
} as const satisfies Record<string, Answer>;

/** The answer to a request that makes no sense. */
export const malformed = (why: string): Answer => oauthError(400, 'invalid_request', why);

/** Faults of the request for a device code. */
export const deviceFaults: Partial<Record<FaultName, Answer>> = {
  'device-invalid-request': malformed("Parameter 'scope' is not valid"),
  'device-server-error': answers.serverError,
};

/** Faults of a poll for the tokens. */
export const pollFaults: Partial<Record<FaultName, Answer>> = {
  'poll-slow-down': answers.slowDown,
  'poll-access-denied': answers.accessDenied,
  'poll-expired-token': answers.expired,
  'poll-invalid-client': answers.invalidClient,
  'poll-invalid-request': malformed("Parameter 'device_code' is absent"),
  'poll-gateway-fault': answers.gatewayFault,
  'poll-no-json': answers.noJson,
  'poll-rate-limit': answers.rateLimit,
  'poll-server-error': answers.serverError,
};

/** Faults of a refresh. */
export const refreshFaults: Partial<Record<FaultName, Answer>> = {
  'refresh-dead': answers.deadRefreshToken,
  'refresh-invalid-grant': oauthError(400, 'invalid_grant', 'The refresh token has run out or was withdrawn'),
  'refresh-rate-limit': answers.rateLimit,
  'refresh-server-error': answers.serverError,
};

/** The faults in one of the tables. */
export const namesOf = (table: Partial<Record<FaultName, Answer>>): FaultName[] => Object.keys(table) as FaultName[];
