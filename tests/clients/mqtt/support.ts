import type { MqttConnection, MqttOptions } from '../../../src/transports/mqtt/client.ts';
import type { MqttFailure } from '../../../src/transports/mqtt/failure.ts';
import type { Outgoing } from '../../../src/transports/mqtt/packets.ts';

/** A connection that keeps what was posted until the test acknowledges it. */
export interface FakeConnection extends MqttConnection {
  readonly options: MqttOptions | undefined;
  /** Messages that were posted, oldest first; acknowledged ones stay. */
  readonly posted: Outgoing[];
  /** Answers the oldest `n` that are open, with a code. */
  answer(n?: number, code?: number): void;
  readonly open: number;
  readonly published: { topic: string; payload: string }[];
  readonly subscribed: string[];
  cut(why: MqttFailure): void;
}

export function fakeConnection(limits: Partial<MqttConnection['limits']> = {}, options?: MqttOptions): FakeConnection {
  const posted: Outgoing[] = [];
  const waiting: ((code: number) => void)[] = [];
  const published: { topic: string; payload: string }[] = [];
  const subscribed: string[] = [];
  let over!: (why: MqttFailure | undefined) => void;
  const closed = new Promise<MqttFailure | undefined>((resolve) => {
    over = resolve;
  });
  return {
    options,
    posted,
    published,
    subscribed,
    sessionPresent: false,
    limits: {
      receiveMaximum: 65_535,
      maximumQos: 2,
      retainAvailable: true,
      maximumPacketSize: Number.POSITIVE_INFINITY,
      ...limits,
    },
    closed,
    get open() {
      return waiting.length;
    },
    post(message, settle) {
      posted.push(message);
      waiting.push((code) => settle(message, code));
      return true;
    },
    answer(n = waiting.length, code = 0) {
      for (const one of waiting.splice(0, n)) one(code);
    },
    subscribe: async (topics) => {
      subscribed.push(...topics);
      return topics.map((topic) => ({ topic, code: 1 }));
    },
    unsubscribe: async () => {},
    publish: async (topic, payload) => void published.push({ topic, payload: String(payload) }),
    end: async () => over(undefined),
    drop: over,
    cut: over,
  };
}
