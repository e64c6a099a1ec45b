import { randomBytes } from 'node:crypto';
import type { Clock } from '../../runtime/clock.ts';
import { counted } from '../../runtime/counted.ts';
import { fail } from '../../runtime/exit.ts';
import type { Log } from '../../runtime/log.ts';
import type { connectMqtt, MqttConnection, MqttMessage, MqttOptions } from '../../transports/mqtt/client.ts';
import { failureCode, type MqttFailure } from '../../transports/mqtt/failure.ts';
import { createDeletions } from './deletions.ts';
import { fitted } from './limits.ts';
import { createPublisher, type Fate, type Job } from './publisher.ts';
import { createRetained } from './retained.ts';
import { keepSession } from './session.ts';
import { createStatus, type Presence } from './status.ts';

/** What an outlet is made of. */
export interface OutletOptions {
  broker(): Pick<
    MqttOptions,
    'url' | 'username' | 'password' | 'clientId' | 'ca' | 'cert' | 'key' | 'keepalive' | 'timeoutMs'
  >;
  version: 'auto' | 4 | 5;
  presence: Presence | undefined;
  /** Topic on which Home Assistant says `online` when it has started; undefined: nobody listens. */
  birthTopic: string | undefined;
  window: number;
  buffer: number;
  waits(): boolean;
  stall: number;
  /** How long the broker is tried once there is no more to come, in milliseconds. */
  patience: number;
  clock: Clock;
  log: Log;
  /** Nobody waits any longer. */
  deadline: AbortSignal;
  onFate(job: Job, fate: Fate): void;
  onUp(connection: MqttConnection): void;
  onDown(why: MqttFailure): void;
  /** The broker answered something; it does at least every `within` milliseconds. */
  onTraffic(within: number): void;
  /** For tests. */
  connect?: typeof connectMqtt;
  random?: () => number;
}

/** The way to the broker: connects, greets, sends, remembers what is retained. */
export interface Outlet {
  /** Resolves when the first attempt to connect has succeeded or failed. */
  readonly tried: Promise<void>;
  /** Rejects when the broker refuses the login; never resolves otherwise. */
  readonly refused: Promise<never>;
  /** Takes a message; a promise, where one comes back, is to be waited for before the next one. */
  offer(job: Job): Promise<void> | undefined;
  /** No more to come: waits until all is delivered, says goodbye, and ends. Returns how many messages are not delivered. */
  finish(): Promise<number>;
  readonly outstanding: number;
  close(): void;
}

const keepalive = 30;
/** After Home Assistant's birth its entities need a moment; and several instances shall not all speak at once. */
const rebirthWithin = 5000;

/** A client id of which there is one in the world: letters and digits, not more of them than every broker takes. */
const ownClientId = (): string => `voltpipe${randomBytes(7).toString('hex')}`;

export function createOutlet(options: OutletOptions): Outlet {
  const { clock, log, birthTopic, random = Math.random } = options;
  // The same on every connection: with the next one the broker ends a half-open one, and says the last will of that before our word.
  const clientId = ownClientId();
  const stop = new AbortController();
  const status = options.presence && createStatus(options.presence, log);
  const retained = createRetained();
  const deletions = createDeletions(clock, log, (topic) => {
    // An empty message of our own comes back, too.
    if (!retained.forget(topic)) return;
    log.info('a discovery message was emptied by somebody else: it is not sent again', { topic });
  });
  let connection: MqttConnection | undefined;
  /** Our goodbye is on its way. */
  let leaving = false;
  let cancelRebirth = (): void => {};
  let tried!: () => void;
  const firstTry = new Promise<void>((resolve) => {
    tried = resolve;
  });

  const remember = (job: Job): void => {
    if (!retained.note(job)) {
      log.lost('retained', 'too many retained topics to remember: the last ones are not said again to Home Assistant');
    } else if (job.retain && job.payload.length > 0) deletions.watch(job.topic);
  };

  const publisher = createPublisher({
    clock,
    window: options.window,
    buffer: options.buffer,
    waits: options.waits,
    stall: options.stall,
    onFate(job, fate) {
      if (fate === 'taken') remember(job);
      options.onFate(job, fate);
    },
  });

  const online = (): Job[] => (status ? [status.online(retained.of(status.topic))] : []);
  /** All that shall stand at the broker: who we are, then what was retained. */
  const greeting = (): Job[] => [...online(), ...retained.all().filter(({ topic }) => topic !== status?.topic)];

  const onBirth = (): void => {
    cancelRebirth();
    cancelRebirth = clock.after(rebirthWithin * random(), () => {
      log.info('Home Assistant has started: retained messages are sent again');
      publisher.first(greeting());
    });
  };

  const onMessage = (message: MqttMessage): void => {
    deletions.take(message);
    const { topic, payload, retain } = message;
    if (topic === birthTopic && !retain && payload.toString() === 'online') onBirth();
    if (status?.isDenied(message) && !leaving) {
      log.debug('somebody says that we are offline: online is said again', { topic });
      publisher.first(online());
    }
  };

  const listenTo = async (to: MqttConnection): Promise<void> => {
    const topics = [birthTopic, status?.topic].filter((topic) => topic !== undefined);
    if (topics.length === 0) return;
    const grants = await to.subscribe(topics, 1);
    if (grants.some(({ topic, code }) => topic === birthTopic && code >= failureCode)) {
      log.lost('birth', `broker refuses the subscription to ${birthTopic}: Home Assistant's start will not be noticed`);
    }
  };

  const refused = keepSession({
    broker: () => ({
      ...options.broker(),
      clientId: options.broker().clientId ?? clientId,
      keepalive,
      onMessage,
      onTraffic: () => options.onTraffic(2.5 * keepalive * 1000),
      ...(status && { will: status.will() }),
    }),
    version: options.version,
    clock,
    log,
    signal: stop.signal,
    onUp(fresh) {
      connection = fresh;
      options.onUp(fresh);
      const said = greeting();
      deletions.up(
        fresh,
        said.map(({ topic }) => topic),
      );
      publisher.up(fresh, said);
      tried();
      // The reason of a failure is that of the connection, which tells it.
      listenTo(fresh).catch(() => {});
    },
    onDown(why) {
      connection = undefined;
      cancelRebirth();
      deletions.down();
      publisher.down(why);
      options.onDown(why);
      tried();
    },
    adapt: (why) => status?.adapt(why) ?? false,
    proved: () => publisher.proved,
    ...(options.connect && { connect: options.connect }),
  }).then(() => new Promise<never>(() => {}));
  // It is waited for when there is somebody to tell.
  refused.catch(() => {});

  const close = (): void => {
    cancelRebirth();
    deletions.down();
    publisher.close();
    stop.abort();
  };

  return {
    tried: firstTry,
    refused,
    offer: (job) => publisher.offer(job),
    get outstanding() {
      return publisher.outstanding;
    },
    async finish() {
      const late = new AbortController();
      const giveUp = (): void => late.abort();
      options.deadline.addEventListener('abort', giveUp, { once: true });
      if (options.deadline.aborted) giveUp();
      let left = publisher.outstanding;
      for (let before = left + 1; left > 0 && left < before && !late.signal.aborted; ) {
        before = left;
        await Promise.race([publisher.idle(), clock.sleep(options.patience, late.signal).catch(() => {})]);
        left = publisher.outstanding;
      }
      const to = connection;
      leaving = true;
      if (to && status) {
        const { topic, payload, ...how } = fitted(status.offline(), to.limits);
        await Promise.race([
          to.publish(topic, payload, how).catch(() => {}),
          clock.sleep(rebirthWithin, late.signal).catch(() => {}),
        ]);
      }
      late.abort();
      options.deadline.removeEventListener('abort', giveUp);
      await to?.end();
      close();
      return left;
    },
    close,
  };
}

/** Exit status 69, with the count of what the broker has not got. */
export const undelivered = (count: number, why: string): Error =>
  fail('unavailable', `${counted(count, 'message')} not delivered: ${why}`);
