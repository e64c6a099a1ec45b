import type { Clock } from '../../runtime/clock.ts';
import { CommandError, exit } from '../../runtime/exit.ts';
import type { Log } from '../../runtime/log.ts';
import { againIn } from '../../runtime/retry.ts';
import { HttpFailure } from '../../transports/http/failure.ts';
import { connectMqtt, type MqttConnection, type MqttMessage, type MqttOptions } from '../../transports/mqtt/client.ts';
import { explainMqtt, failureCode, MqttFailure, reasonOf } from '../../transports/mqtt/failure.ts';
import { betweenConnects, decide, goodSession, noStreak, type StreamFailure } from './reconnect.ts';

/** How to log in at the broker, and for how long. */
interface Credentials {
  username?: string | undefined;
  password?: string | undefined;
  /** When to get new ones and connect again, in milliseconds since 1970; absent: never. */
  renewAt?: number | undefined;
}

/** Where credentials come from. */
export interface Access {
  /**
   * Credentials that are not due for renewal.
   *
   * @param force get new ones even if the present ones look valid
   */
  get(force: boolean): Promise<Credentials>;
}

/** What the stream is made of. */
export interface StreamOptions {
  access: Access;
  topics: readonly string[];
  broker: Pick<MqttOptions, 'url' | 'ca' | 'minVersion' | 'version' | 'clientId'>;
  clock: Clock;
  signal: AbortSignal;
  log: Log;
  onMessage(message: MqttMessage): void;
  /** The broker answered something; it does at least every `within` milliseconds while all is well. */
  onTraffic(within: number): void;
  onUp(): void;
  /** The stream is down; without a reason it is for a moment, to come back with new credentials. */
  onDown(why?: string): void;
  /** For tests. */
  connect?: typeof connectMqtt;
  random?: () => number;
}

/** BMW's broker closes a connection that is silent for 60 s. */
const keepalive = 30;
const trafficWithin = 2.5 * keepalive * 1000;
const connectTimeout = 20_000;
/** When a renewal fails while the stream is up, it is tried again so often. */
const renewAgain = 60_000;

const temporary = new Set<number>([exit.unavailable, exit.later, exit.io]);

/** A failure of {@link Access} that may pass, as one of the broker: both end in a wait. Anything else is thrown on. */
const asMqtt = (error: unknown): MqttFailure => {
  if (error instanceof MqttFailure) return error;
  if (!(error instanceof CommandError) || !temporary.has(error.status)) throw error;
  const { cause } = error;
  const offline = cause instanceof HttpFailure && explainMqtt(cause.cause ?? cause).kind === 'offline';
  return new MqttFailure(offline ? 'offline' : 'network', error.message, undefined, { cause: error });
};

/**
 * Keeps a subscription alive until the signal aborts: connects, subscribes, renews the credentials before they run out and
 * connects again with the new ones, and comes back after every failure as {@link decide} says. There is never more than one
 * connection, and silence alone is no reason to connect again: a parked car says nothing for days.
 *
 * @throws exit status 77 when the credentials are refused for good
 */
export async function runStream(options: StreamOptions): Promise<void> {
  const { clock, signal, log, access } = options;
  let streak = noStreak;
  let notBefore = clock.monotonic();
  let force = false;
  let hint: string | undefined;
  const told = new Set<string>();

  while (!signal.aborted) {
    const pause = notBefore - clock.monotonic();
    if (pause > 0) await clock.sleep(pause, signal).catch(() => {});
    if (signal.aborted) return;
    let session = 0;
    let failure: (StreamFailure & { message: string }) | undefined;
    try {
      const credentials = await access.get(force);
      force = false;
      const connection = await open(options, credentials);
      const since = clock.monotonic();
      options.onUp();
      log.recovered('stream', 'stream is back');
      told.clear();
      const why = await hold(options, connection, credentials);
      session = Math.max(1, clock.monotonic() - since);
      if (session >= goodSession) {
        streak = { ...noStreak, forced: streak.forced };
        hint = undefined;
      }
      if (why) failure = { kind: why.kind, code: why.code, message: why.message };
    } catch (error) {
      if (signal.aborted) return;
      const why = error instanceof SubscriptionRefused ? error : asMqtt(error);
      failure = { kind: why.kind, code: why.code, message: why.message };
    }
    if (signal.aborted) return;
    if (!failure) {
      options.onDown();
      notBefore = clock.monotonic() + betweenConnects;
      continue;
    }
    const decision = decide(streak, failure, session, clock.monotonic(), options.random);
    streak = decision.streak;
    force = decision.refresh;
    notBefore = clock.monotonic() + decision.wait;
    options.onDown(failure.message);
    const message = againIn(`stream: ${failure.message}`, decision.wait);
    const remedy = remedyOf(failure);
    if (told.size > 0 && !told.has(remedy)) log.warn(message);
    else log.lost('stream', message);
    told.add(remedy);
    if (decision.hint && decision.hint !== hint) log.warn(decision.hint);
    hint = decision.hint ?? hint;
  }
}

/** A broker that is not there comes back by itself; any other failure asks for something else and is told, in mid-outage too. */
const remedyOf = ({ kind, code }: StreamFailure): string =>
  ['closed', 'network', 'timeout', 'offline'].includes(kind) ? 'wait' : `${kind} ${code ?? ''}`;

/** A SUBACK that says no. The broker then stays connected and sends nothing for ever, which looks like a silent car. */
class SubscriptionRefused extends Error {
  readonly kind = 'subscription';
  readonly code: number;

  constructor(code: number) {
    super(`subscription refused: ${reasonOf(code)} (code ${code})`);
    this.code = code;
  }
}

async function open(options: StreamOptions, credentials: Credentials): Promise<MqttConnection> {
  const { connect = connectMqtt, topics, broker, clock, signal } = options;
  const connection = await connect({
    ...broker,
    username: credentials.username,
    password: credentials.password,
    keepalive,
    timeoutMs: connectTimeout,
    clean: true,
    clock,
    signal,
    onMessage: options.onMessage,
    onTraffic: () => options.onTraffic(trafficWithin),
  });
  const end = (): void => void connection.end();
  signal.addEventListener('abort', end, { once: true });
  void connection.closed.then(() => signal.removeEventListener('abort', end));
  try {
    const grants = await connection.subscribe(topics, 0);
    const refused = grants.find(({ code }) => code >= failureCode);
    if (refused) throw new SubscriptionRefused(refused.code);
  } catch (error) {
    await connection.end();
    throw error;
  }
  return connection;
}

const never = new Promise<never>(() => {});

/** Waits until the session ends: by itself, with the reason; by us, for a renewal or at the signal, with undefined. */
async function hold(
  { clock, access, log, topics }: StreamOptions,
  connection: MqttConnection,
  credentials: Credentials,
): Promise<MqttFailure | undefined> {
  let due = credentials.renewAt;
  for (;;) {
    const stop = new AbortController();
    const timer =
      due === undefined
        ? never
        : clock.sleep(Math.max(0, due - clock.now()), stop.signal).then(
            () => 'due' as const,
            () => never,
          );
    const event = await Promise.race([connection.closed.then((why) => ({ why })), timer]);
    stop.abort();
    if (event !== 'due') return event.why;
    try {
      // The old connection goes on delivering while the new password is fetched.
      await access.get(true);
      log.recovered('renewal', 'tokens are renewed again');
    } catch (error) {
      log.lost('renewal', asMqtt(error).message);
      due = clock.now() + renewAgain;
      continue;
    }
    // First the broker stops sending and what is under way arrives; only then the connection goes.
    await connection.unsubscribe(topics).catch(() => {});
    await connection.end();
    return undefined;
  }
}
