import type { Clock } from '../../runtime/clock.ts';
import { fail } from '../../runtime/exit.ts';
import type { Log } from '../../runtime/log.ts';
import { createBackoff } from '../../runtime/retry.ts';
import { connectMqtt, type MqttConnection, type MqttOptions } from '../../transports/mqtt/client.ts';
import { explainMqtt, type MqttFailure } from '../../transports/mqtt/failure.ts';
import { chooseVersion } from './version.ts';

/** A connection that is made again and again. */
export interface SessionOptions {
  /** What to connect with; asked anew for each attempt. `version` is decided here. */
  broker(): Omit<MqttOptions, 'version' | 'clock' | 'signal'>;
  /** `auto`: MQTT 5, and 3.1.1 with a broker that does not know it. */
  version: 'auto' | 4 | 5;
  clock: Clock;
  log: Log;
  /** Ends the session. */
  signal: AbortSignal;
  /** Connected. What it throws ends the session; while it works, the connection may already be over. */
  onUp(connection: MqttConnection): void | Promise<void>;
  /** Not connected, or no longer; told after every attempt that fails. */
  onDown(why: MqttFailure): void;
  /** Told each refusal. True: what `broker` gives is another thing now, and worth an attempt at once. */
  adapt?(why: MqttFailure): boolean;
  /** Asked after `onDown` whether the connection that has just ended was good for something: then the next wait is the first again. */
  proved?(): boolean;
  /** For tests. */
  connect?: typeof connectMqtt;
}

const first = 1000;
const cap = 60_000;
/** A connection that held so long has proved itself. */
const goodAfter = 60_000;
/** Refusals in a row that end the session, when the same credentials had been good before. */
const refusalsAtLast = 3;

/** Bad user name or password, not authorised, banned, bad authentication method: codes of CONNACK in MQTT 3.1.1 and 5. */
const refusedForGood: ReadonlySet<number> = new Set([4, 5, 134, 135, 138, 140]);
/**
 * Keeps a connection until the signal aborts: connects, waits for its end, and comes back with waits that double from 1 s to 60 s.
 * A loss is said once, the recovery once with the length of the outage.
 *
 * @throws exit status 77 when the broker refuses the credentials, 78 when its certificate is not trusted; both only before it was
 * connected, or for the login when it is refused again and again
 */
export async function keepSession(options: SessionOptions): Promise<void> {
  const { clock, log, signal, connect = connectMqtt } = options;
  const backoff = createBackoff({ first, cap });
  const choice = chooseVersion(options.version, () => answersOld(options));
  let wasUp = false;
  let refusals = 0;

  while (!signal.aborted) {
    let why: MqttFailure | undefined;
    let connection: MqttConnection | undefined;
    let since = 0;
    try {
      connection = await connect({ ...options.broker(), version: choice.version, clock, signal });
      since = clock.monotonic();
      wasUp = true;
      refusals = 0;
      log.recovered('broker', 'broker is back');
      log.recovered('certificate', "broker's certificate is trusted again");
      await options.onUp(connection);
      why = await connection.closed;
    } catch (error) {
      why = asFailure(error);
      // It may be the greeting alone that has failed: two connections at once would fight over the session.
      connection?.drop(why);
      if (signal.aborted) return;
      if (why.kind === 'refused' && refusedForGood.has(why.code ?? 0)) {
        refusals++;
        if (!wasUp || refusals >= refusalsAtLast) throw refusal(why);
      }
      const next = nextStep(why);
      if (!wasUp && next !== undefined) throw fail('config', `broker: ${why.message}`, next, why);
      if (why.kind === 'refused' && options.adapt?.(why)) continue;
      if (!wasUp && (await choice.failed(why))) continue;
    }
    // Ended by us: with the signal, or because whoever uses the session is done.
    if (signal.aborted || !why) return;
    options.onDown(why);
    if (connection && (clock.monotonic() - since >= goodAfter || options.proved?.())) backoff.reset();
    const wait = backoff.next();
    log.lost('broker', `broker: ${why.message}; trying again from ${Math.ceil(wait / 1000)} s on`);
    const next = nextStep(why);
    // Of its own, since a restart with another certificate begins with a closed connection.
    if (next !== undefined) log.lost('certificate', `broker: ${why.message}. ${next}`);
    await clock.sleep(wait, signal).catch(() => {});
  }
}

/** Whether a broker answers MQTT 3.1.1, be it with a refusal. Nothing of ours is at stake: neither session nor last will. */
async function answersOld(options: SessionOptions): Promise<boolean> {
  const { clock, signal, connect = connectMqtt } = options;
  const { url, username, password, ca, cert, key, timeoutMs } = options.broker();
  const plain = { url, username, password, ca, cert, key, ...(timeoutMs !== undefined && { timeoutMs }) };
  try {
    const connection = await connect({ ...plain, version: 4, clock, signal });
    await connection.end();
    return true;
  } catch (error) {
    return asFailure(error).kind === 'refused';
  }
}

/** A failure of MQTT comes back; anything else is thrown on. */
function asFailure(error: unknown): MqttFailure {
  if (error instanceof Error && error.name === 'MqttFailure') return explainMqtt(error);
  throw error;
}

const unknownAuthority = 'Name its authority with --ca (mqtt.ca).';
const otherName = 'Name the broker in --url (mqtt.url) as its certificate does.';

/** What to do about a certificate that is not trusted. One that is not yet valid, or no longer, may be: a clock is set in time. */
const nextSteps: Readonly<Record<string, string>> = {
  UNABLE_TO_GET_ISSUER_CERT: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownAuthority,
  CERT_SIGNATURE_FAILURE: unknownAuthority,
  ERR_TLS_CERT_ALTNAME_INVALID: otherName,
  HOSTNAME_MISMATCH: otherName,
};

const nextStep = ({ kind, cause }: MqttFailure): string | undefined =>
  kind === 'tls' ? nextSteps[(cause as { code?: string } | undefined)?.code ?? ''] : undefined;

const refusal = (why: MqttFailure): Error =>
  fail(
    'noPermission',
    `broker refuses the login: ${why.message}`,
    'Check the user name (--username, mqtt.username) and the password (--password-file, mqtt.password).',
    why,
  );
