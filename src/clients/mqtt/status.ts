import type { Log } from '../../runtime/log.ts';
import type { MqttMessage, MqttWill } from '../../transports/mqtt/client.ts';
import type { MqttFailure } from '../../transports/mqtt/failure.ts';
import type { Outgoing } from '../../transports/mqtt/packets.ts';
import type { Job } from './publisher.ts';

/** What this instance says of itself: retained, and as its last will. */
export interface Presence {
  topic: string;
  online(): string;
  offline: string;
}

/** The status of this instance at the broker. */
export interface Status {
  readonly topic: string;
  /** What the broker says for us when we vanish, as far as it lets us leave a will. */
  will(): MqttWill;
  /** Looks whether the broker would not have our will as it is. True: it is another one now, and worth another try. */
  adapt(why: MqttFailure): boolean;
  /** @param last what was published on the topic last: a system_status says more than the plain word */
  online(last: Outgoing | undefined): Job;
  offline(): Job;
  /** Somebody else says that we are offline: the broker, of a connection from before a power cut, or a namesake that has ended. */
  isDenied(message: MqttMessage): boolean;
}

/** Codes of CONNACK: retain not supported, QoS not supported. The will is all in a CONNECT that can ask for either. */
const noRetain = 154;
const noQos = 155;

/** Makes the status that goes with a presence. */
export function createStatus({ topic, online, offline }: Presence, log: Log): Status {
  const way = { qos: 1 as 0 | 1, retain: true };
  const say = (payload: string | Buffer): Job => ({ topic, payload, qos: 1, retain: true, ordinal: -1 });
  return {
    topic,
    will: () => ({ topic, payload: offline, ...way }),
    adapt({ kind, code }) {
      if (kind !== 'refused') return false;
      if (code === noRetain && way.retain) {
        way.retain = false;
        log.warn('broker keeps no retained messages: whoever subscribes later does not know whether we are online');
        return true;
      }
      if (code === noQos && way.qos > 0) {
        way.qos = 0;
        log.warn('broker knows QoS 0 alone: it does not say whether it has a message');
        return true;
      }
      return false;
    },
    online: (last) => say(last?.payload ?? online()),
    offline: () => say(offline),
    isDenied: (message) => message.topic === topic && message.payload.toString() === offline,
  };
}
