import type { Clock } from '../../runtime/clock.ts';
import { fail } from '../../runtime/exit.ts';
import type { Log } from '../../runtime/log.ts';
import type { connectMqtt, MqttConnection, MqttMessage, MqttOptions } from '../../transports/mqtt/client.ts';
import { failureCode, MqttFailure, reasonOf } from '../../transports/mqtt/failure.ts';
import { type Acks, createAcks } from './acks.ts';
import { keepSession } from './session.ts';

/** What an intake is made of. */
export interface IntakeOptions {
  broker(): Pick<MqttOptions, 'url' | 'username' | 'password' | 'clientId' | 'ca' | 'cert' | 'key'>;
  version: 'auto' | 4 | 5;
  filters: readonly string[];
  qos: 0 | 1 | 2;
  /** The broker keeps the subscription, and what comes meanwhile, for so many seconds; undefined: for the connection alone. */
  session: number | undefined;
  /** Messages of QoS 1 that may wait for their acknowledgement. */
  receiveMaximum: number;
  clock: Clock;
  log: Log;
  /** Nobody waits any longer. */
  deadline: AbortSignal;
  /**
   * Takes a message. What `safe` resolves lets the broker forget it; `room`, where it comes back, is waited for before the next one
   * is read.
   */
  onMessage(message: MqttMessage): { safe?: Promise<void> | undefined; room?: Promise<void> | undefined };
  onUp(): void;
  onDown(why: MqttFailure): void;
  onTraffic(within: number): void;
  /** For tests. */
  connect?: typeof connectMqtt;
}

/** A subscription that outlives its connections. */
export interface Intake {
  /** Rejects when the broker refuses the login or, at first, a topic; never resolves otherwise. */
  readonly refused: Promise<never>;
  /** Messages that the broker does not know to be safe. */
  readonly unacknowledged: number;
  /**
   * Takes no more; waits until what was taken is safe and acknowledged, then ends. The last `unread` messages of QoS 1 never will be:
   * the broker keeps them, if it keeps anything.
   */
  finish(unread?: number): Promise<void>;
}

const keepalive = 30;

/** Keeps a subscription; messages of QoS 1 are acknowledged when they are safe, in order, while others come in. */
export function createIntake(options: IntakeOptions): Intake {
  const { clock, log, filters, session } = options;
  const stop = new AbortController();
  let connection: MqttConnection | undefined;
  let acks: Acks = createAcks();
  let subscribed = false;
  /** The subscription stands now. */
  let standing = false;
  let ending = false;

  /** A message that came over the connection whose acknowledgements are `to`. */
  const taken =
    (to: Acks) =>
    (message: MqttMessage): void | Promise<void> => {
      // Not acknowledged: the broker gives it to the next one.
      if (ending) return;
      const { safe, room } = options.onMessage(message);
      if (message.qos === 2) return safe;
      if (message.acknowledge) to.expect(safe, message.acknowledge);
      return room;
    };

  const subscribe = async (to: MqttConnection): Promise<void> => {
    if (subscribed && to.sessionPresent) return;
    const grants = await to.subscribe(filters, options.qos);
    const refused = grants.find(({ code }) => code >= failureCode);
    if (!refused) {
      subscribed = true;
      return;
    }
    const why = `subscription to ${refused.topic} refused: ${reasonOf(refused.code)}`;
    if (!subscribed) throw fail('noPermission', `broker: ${why}`, "Check the topic and the broker's access rules.");
    to.drop(new MqttFailure('disconnected', why, refused.code));
  };

  const refused = keepSession({
    broker() {
      acks = createAcks();
      return {
        ...options.broker(),
        keepalive,
        clean: session === undefined,
        ...(session !== undefined && { sessionExpiry: session }),
        receiveMaximum: options.receiveMaximum,
        manualAck: true,
        onMessage: taken(acks),
        onTraffic() {
          if (standing) options.onTraffic(2.5 * keepalive * 1000);
        },
      };
    },
    version: options.version,
    clock,
    log,
    signal: stop.signal,
    async onUp(fresh) {
      connection = fresh;
      await subscribe(fresh);
      standing = true;
      options.onUp();
    },
    onDown(why) {
      connection = undefined;
      standing = false;
      acks.forget();
      options.onDown(why);
    },
    ...(options.connect && { connect: options.connect }),
  }).then(() => new Promise<never>(() => {}));
  refused.catch(() => {});

  return {
    refused,
    get unacknowledged() {
      return acks.open;
    },
    async finish(unread = 0) {
      ending = true;
      const late = new AbortController();
      const giveUp = (): void => late.abort();
      options.deadline.addEventListener('abort', giveUp, { once: true });
      if (options.deadline.aborted) giveUp();
      await Promise.race([acks.idle(unread), clock.sleep(keepalive * 1000, late.signal).catch(() => {})]);
      late.abort();
      options.deadline.removeEventListener('abort', giveUp);
      await connection?.end();
      stop.abort();
    },
  };
}
