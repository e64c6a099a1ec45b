import { createFaultQueue } from '../fault-queue.ts';
import { type ApiErrorId, apiErrors } from './api-errors.ts';

/**
 * What can be made to go wrong, by the place where it does. Each is something that users of BMW CarData have met.
 *
 * | name | what happens |
 * |---|---|
 * | `device-…` | the answer to the request for a device code |
 * | `poll-…` | the answer to a poll for the tokens |
 * | `refresh-…` | the answer to a refresh |
 * | `token-…` | tokens are issued, but not as they should be |
 * | `api-…` | the answer of the REST interface |
 * | `broker-…` | what the MQTT broker does with a connection |
 */
export const faultNames = {
  'device-invalid-request': 'the request for a device code is refused as malformed',
  'device-server-error': 'the request for a device code is answered with HTTP 503',
  'poll-slow-down': 'the poll came too early',
  'poll-access-denied': 'the user has declined, or it only looks like that',
  'poll-expired-token': 'the code has run out',
  'poll-invalid-client': 'the client is not known',
  'poll-invalid-request': 'the poll is refused as malformed',
  'poll-gateway-fault': "HTTP 500 of BMW's gateway; the code is worth nothing from then on",
  'poll-no-json': 'HTTP 403 without a JSON error',
  'poll-rate-limit': 'HTTP 429 with Retry-After',
  'poll-server-error': 'HTTP 503',
  'refresh-dead': 'the refresh token has died: HTTP 400 invalid_request',
  'refresh-invalid-grant': 'the same as HTTP 400 invalid_grant',
  'refresh-rate-limit': 'HTTP 429 with Retry-After',
  'refresh-server-error': 'HTTP 503',
  'token-scope-missing': 'the tokens lack the scopes of CarData, as when the services were not subscribed to',
  'token-no-dynamic-scopes': 'the id token has an empty dynamic_scopes: no stream for this client',
  'token-no-id-token': 'the answer has no id token',
  'token-no-refresh-token': 'the answer has no refresh token: the old one stays valid',
  'api-rate-limit': 'HTTP 429 without an error id',
  'broker-refuse-4': 'CONNACK 4: bad user name or password',
  'broker-refuse-5': 'CONNACK 5: not authorised',
  'broker-refuse-subscription': 'SUBACK 0x80, then the connection is closed',
  'broker-drop-on-connect': 'the connection is closed right after CONNACK',
  'broker-malformed': 'the next message is cut in the middle',
} as const;

/** The name of a fault, or `api-CU-503` for any error id of the REST interface. */
export type FaultName = keyof typeof faultNames | `api-${ApiErrorId}`;

/** Faults that are waiting to happen. */
export interface Faults {
  /** Lets `name` happen the next `times` times (default 1; Infinity: from now on). */
  arm(name: FaultName, times?: number): void;
  /** Whether `name` happens now; counts it. */
  take(name: FaultName): boolean;
  /** The first of `names` that happens now. */
  takeOne<N extends FaultName>(names: readonly N[]): N | undefined;
  /** Nothing goes wrong any more. */
  clear(): void;
  /** What is still waiting, with how many times. */
  readonly armed: Readonly<Record<string, number>>;
}

/** Whether a text names a fault. */
export function isFaultName(name: string): name is FaultName {
  return Object.hasOwn(faultNames, name) || (name.startsWith('api-') && Object.hasOwn(apiErrors, name.slice(4)));
}

/** Reads `NAME`, `NAME:3` or `NAME:always`; undefined when it is none of them. */
export function parseFault(text: string): { name: FaultName; times: number } | undefined {
  const [name = '', count = '1', ...rest] = text.split(':');
  const times = count === 'always' ? Number.POSITIVE_INFINITY : Number(count);
  if (rest.length > 0 || !isFaultName(name) || !(times >= 1)) return undefined;
  return { name, times };
}

/** Faults, none of them armed. */
export function createFaults(onTake: (name: FaultName) => void = () => {}): Faults {
  const queue = createFaultQueue<{ name: FaultName; times: number }>();
  const faults: Faults = {
    arm(name, times = 1) {
      queue.remove((fault) => fault.name === name);
      queue.add({ name, times });
    },
    take(name) {
      if (!queue.take((fault) => fault.name === name)) return false;
      onTake(name);
      return true;
    },
    takeOne: (names) => names.find((name) => faults.take(name)),
    clear: () => queue.remove(() => true),
    get armed() {
      return Object.fromEntries(queue.list().map(({ name, times }) => [name, times]));
    },
  };
  return faults;
}
