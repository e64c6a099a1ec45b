import type { IConnackPacket, MqttClient } from 'mqtt';
import { type Clock, systemClock } from '../../runtime/clock.ts';
import { explainMqtt, failureCode, MqttFailure, reasonOf } from './failure.ts';
import { inbound } from './inbound.ts';
import { messageIds } from './message-ids.ts';
import { openClient } from './mqttjs.ts';
import { createOutbound, type Outbound } from './outbound.ts';

/** A message as it came. */
export interface MqttMessage {
  topic: string;
  payload: Buffer;
  qos: 0 | 1 | 2;
  /** Kept by the broker from before the subscription. */
  retain: boolean;
  /** With `manualAck`, for QoS 1: acknowledges it. MQTT wants acknowledgements in the order of the messages. */
  acknowledge?: () => void;
}

/** What the broker publishes for us when we vanish. */
export interface MqttWill {
  topic: string;
  payload: string;
  qos: 0 | 1 | 2;
  retain: boolean;
}

/** How to connect. */
export interface MqttOptions {
  /** `mqtt://host:1883`, `mqtts://host:8883`, `ws://…`, `wss://…`. */
  url: string;
  username?: string | undefined;
  password?: string | undefined;
  /** Default: a random one. */
  clientId?: string | undefined;
  /** 4 is MQTT 3.1.1 (default), 5 is MQTT 5. */
  version?: 4 | 5;
  /** Seconds (default 60). */
  keepalive?: number;
  /** Start without the session of last time (default true). */
  clean?: boolean;
  /** Milliseconds until the broker has answered a CONNECT or SUBSCRIBE (default 20 s). */
  timeoutMs?: number;
  /** Certificates (PEM) to trust instead of the built-in ones. */
  ca?: string | undefined;
  /** Oldest TLS version to accept. */
  minVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** Our own certificate and key (PEM), where a broker asks for one. */
  cert?: string | undefined;
  key?: string | undefined;
  will?: MqttWill | undefined;
  /** Gives the attempt to connect up. A live connection is ended with {@link MqttConnection.end}. */
  signal?: AbortSignal | undefined;
  /** MQTT 5: seconds for which the broker keeps our session (subscriptions, messages under way) after the connection. */
  sessionExpiry?: number | undefined;
  /** MQTT 5: messages of QoS 1 and 2 that the broker may send before we acknowledge the first. */
  receiveMaximum?: number | undefined;
  /** Takes a message. What it returns is waited for before a message of QoS 1 or 2 is acknowledged and the next one is read. */
  onMessage?: (message: MqttMessage) => void | Promise<void>;
  /** Messages of QoS 1 are acknowledged by their `acknowledge`, while others are read. */
  manualAck?: boolean;
  /** Anything came from the broker, answers to keep-alives included: the connection is alive. */
  onTraffic?: () => void;
  clock?: Clock;
}

/** The broker's answer to one topic filter: the QoS granted, or a code from 128 on. */
interface MqttGrant {
  topic: string;
  code: number;
}

/** What the broker said of itself when it let us in; MQTT 3.1.1 has no words for it. */
export interface BrokerLimits {
  /** Messages of QoS 1 and 2 under way at a time. */
  receiveMaximum: number;
  maximumQos: 0 | 1 | 2;
  retainAvailable: boolean;
  /** Bytes of a whole packet. */
  maximumPacketSize: number;
}

/** A live connection. It never reconnects by itself: whoever made it decides when, and with which password. */
export interface MqttConnection {
  /** The broker still has our subscriptions from last time (with `clean: false`). */
  readonly sessionPresent: boolean;
  readonly limits: BrokerLimits;
  /** Sends one message of many; {@link publish} is for a single one. */
  readonly post: Outbound['post'];
  /** What was posted before goes first. One grant a topic, in order; a refused topic is a grant with a code ≥ 128, not a rejection. */
  subscribe(topics: readonly string[], qos?: 0 | 1 | 2): Promise<MqttGrant[]>;
  /** Resolves when the broker has confirmed: every message that it had sent before has come by then. */
  unsubscribe(topics: readonly string[]): Promise<void>;
  /** Resolves when the broker has it (QoS 1, 2) or it has been handed to the socket (QoS 0). Rejects with {@link MqttFailure}. */
  publish(topic: string, payload: string | Buffer, options?: { qos?: 0 | 1 | 2; retain?: boolean }): Promise<void>;
  /** Says DISCONNECT and closes; resolves when the socket is gone. */
  end(): Promise<void>;
  /** Cuts the connection, as a broken line would; `closed` tells the reason. */
  drop(why: MqttFailure): void;
  /** Settles when the connection is over: with the reason, or undefined when {@link end} was called. */
  readonly closed: Promise<MqttFailure | undefined>;
}

const endWait = 2000;

/** Connects to a broker. mqtt.js is loaded by the first call. Rejects with {@link MqttFailure} and nothing else. */
export async function connectMqtt(options: MqttOptions): Promise<MqttConnection> {
  if (!/^(mqtts?|wss?|tcp|ssl):\/\//.test(options.url) || !URL.canParse(options.url)) {
    throw new MqttFailure('url', 'not the address of a broker, as mqtts://host:8883');
  }
  if (options.signal?.aborted) throw new MqttFailure('aborted', 'given up');
  const ids = messageIds();
  const client = await openClient(options, ids);
  const outbound = createOutbound(client, ids, options.version ?? 4);
  if (options.onMessage) client.handleMessage = inbound(client, outbound, options, options.onMessage);
  if (options.onTraffic) client.on('packetreceive', options.onTraffic);

  let ending = false;
  let failure: MqttFailure | undefined;
  const note = (why: MqttFailure): void => {
    failure ??= why;
  };
  client.on('error', (error) => {
    note(explainMqtt(error));
    // After nonsense from the far side mqtt.js would go on waiting for sense.
    client.stream?.destroy();
  });
  client.on('disconnect', ({ reasonCode = 0 }) => {
    note(new MqttFailure('disconnected', reasonOf(reasonCode), reasonCode));
    client.stream?.destroy();
  });
  const onAbort = (): void => {
    note(new MqttFailure('aborted', 'given up'));
    client.end(true);
  };
  options.signal?.addEventListener('abort', onAbort, { once: true });

  const closed = new Promise<MqttFailure | undefined>((resolve) => {
    const over = (): void => {
      // An error that explains the end may follow the event of the socket.
      setImmediate(() => resolve(ending ? undefined : (failure ?? new MqttFailure('closed', 'closed by the broker'))));
    };
    client.once('close', over);
    client.once('end', over);
  });

  const connack = await Promise.race([
    new Promise<IConnackPacket>((resolve) => client.once('connect', resolve)),
    closed.then((why) => {
      client.end(true);
      throw why ?? new MqttFailure('aborted', 'given up');
    }),
  ]).finally(() => options.signal?.removeEventListener('abort', onAbort));
  return {
    sessionPresent: connack.sessionPresent,
    limits: limitsOf(connack),
    closed,
    post: outbound.post,
    drop(why) {
      note(why);
      client.stream?.destroy();
    },
    subscribe(topics, qos = 0) {
      outbound.flush();
      return subscribe(client, topics, qos, options, closed);
    },
    unsubscribe: (topics) =>
      answered(client, options, closed, (resolve, reject) => {
        client.unsubscribe([...topics], (error) => {
          if (!error) resolve(undefined);
          else if (client.connected) reject(explainMqtt(error));
        });
      }),
    publish: (topic, payload, { qos = 0, retain = false } = {}) =>
      whileOpen<void>(client, closed, (resolve, reject) => {
        client.publish(topic, payload, { qos, retain }, (error) => {
          if (!error) resolve();
          else if (client.connected) reject(explainMqtt(error));
        });
      }),
    async end() {
      if (failure) return;
      ending = true;
      outbound.flush();
      const { clock = systemClock } = options;
      // mqtt.js waits for every answer that is still due; a broker that is gone gives none.
      const cancel = clock.after(endWait, () => client.stream?.destroy());
      client.end(false);
      await closed;
      cancel();
    },
  };
}

const limitsOf = ({ properties = {} }: IConnackPacket): BrokerLimits => ({
  receiveMaximum: properties.receiveMaximum ?? 65_535,
  maximumQos: (properties.maximumQoS ?? 2) as 0 | 1 | 2,
  retainAvailable: properties.retainAvailable ?? true,
  maximumPacketSize: properties.maximumPacketSize ?? Number.POSITIVE_INFINITY,
});

/** Asks mqtt.js for something, and takes its word for a refusal. */
type Ask<T> = (resolve: (value: T) => void, reject: (failure: MqttFailure) => void) => void;

/** What mqtt.js says when the connection goes is vague, a TypeError or nothing at all; `closed` knows the reason. */
function whileOpen<T>(client: MqttClient, closed: Promise<MqttFailure | undefined>, ask: Ask<T>): Promise<T> {
  const over = closed.then((why): never => {
    throw why ?? new MqttFailure('aborted', 'the connection was ended');
  });
  return client.connected ? Promise.race([over, new Promise<T>(ask)]) : over;
}

function subscribe(
  client: MqttClient,
  topics: readonly string[],
  qos: 0 | 1 | 2,
  options: MqttOptions,
  closed: Promise<MqttFailure | undefined>,
): Promise<MqttGrant[]> {
  return answered(client, options, closed, (resolve, reject) => {
    client.subscribe([...topics], { qos }, (error, _granted, packet) => {
      const codes = packet?.granted as readonly number[] | undefined;
      if (codes) resolve(topics.map((topic, index) => ({ topic, code: codes[index] ?? failureCode })));
      else if (client.connected) reject(explainMqtt(error ?? new Error('SUBACK without codes')));
    });
  });
}

/** An exchange that the broker answers in time, or fails with the connection. */
async function answered<T>(
  client: MqttClient,
  { clock = systemClock, timeoutMs = 20_000 }: MqttOptions,
  closed: Promise<MqttFailure | undefined>,
  ask: Ask<T>,
): Promise<T> {
  let cancel = (): void => {};
  try {
    return await whileOpen<T>(client, closed, (resolve, reject) => {
      cancel = clock.after(timeoutMs, () => reject(new MqttFailure('timeout', 'no answer from the broker in time')));
      ask(resolve, reject);
    });
  } finally {
    cancel();
  }
}
