import type { AuthenticateError } from 'aedes';
import type { Account } from './account.ts';

/** How the broker treats its clients. Times are milliseconds. */
export interface BrokerManners {
  /** What becomes of a second client on the account: it is refused, or the first one goes. */
  secondClient: 'refuse' | 'evict';
  /** A connect that comes sooner than this after a disconnect is refused. */
  reconnectPause: number;
  /** A connection without a packet from the client for this long is closed. */
  idle: number;
  /** Longest keep-alive in seconds; who asks for a longer one (or none) is closed after `idle`, whatever it sends. */
  keepalive: number;
  /** How many messages {@link Broker.sent} holds: the newest. */
  keepSent: number;
}

/** BMW's manners. */
export const brokerManners: BrokerManners = {
  secondClient: 'refuse',
  reconnectPause: 10_000,
  idle: 60_000,
  keepalive: 30,
  keepSent: Number.POSITIVE_INFINITY,
};

/** Who wants to connect, and with what. */
export interface Visitor {
  /** Client id. */
  client: string;
  user: string | undefined;
  password: string | undefined;
}

/** How it stands with the account's one connection. */
export interface Line {
  /** Client id of who has it. */
  holder: string | undefined;
  /** Milliseconds since the last connection ended. */
  quiet: number;
}

const refusal = (returnCode: 4 | 5, message: string): AuthenticateError =>
  Object.assign(new Error(message), { returnCode });

/**
 * Why a client is not let in, with the return code of its CONNACK: 4 for user and password, 5 for all else; undefined lets it in.
 * Who comes with the client id of the connection that is there takes it over.
 */
export function refusalOf(
  { faults, gcid, id }: Account,
  manners: BrokerManners,
  { client, user, password }: Visitor,
  { holder, quiet }: Line,
): AuthenticateError | undefined {
  const fault = faults.takeOne(['broker-refuse-4', 'broker-refuse-5']);
  if (fault) return refusal(fault === 'broker-refuse-4' ? 4 : 5, 'on request');
  const token = id(password ?? '');
  if (user !== gcid) return refusal(4, 'the user name is not the gcid');
  if (!token) return refusal(4, 'the password is no id token in force');
  if (!token.streaming) return refusal(5, 'the id token allows no stream');
  if (quiet < manners.reconnectPause) return refusal(5, 'reconnected too soon');
  const free = holder === undefined || holder === client || manners.secondClient === 'evict';
  return free ? undefined : refusal(5, 'another client holds the stream');
}
