import type { Outgoing } from '../../transports/mqtt/packets.ts';
import type { Job } from './publisher.ts';

/** The last retained message of each topic, to say it again: after an outage, and when Home Assistant starts anew. */
export interface Retained {
  /** The broker has taken this message. False: there are too many topics; it is not remembered. */
  note(message: Outgoing): boolean;
  /** Somebody else has emptied the topic. False: it was not remembered. */
  forget(topic: string): boolean;
  of(topic: string): Outgoing | undefined;
  /** In the order in which the topics first came: a discovery message before the state that it announces. */
  all(): Job[];
}

const maxTopics = 10_000;
const maxBytes = 8 * 1024 * 1024;

const bytesOf = (message: Outgoing | undefined): number =>
  message ? message.topic.length + message.payload.length : 0;

export function createRetained(): Retained {
  const messages = new Map<string, Outgoing>();
  let bytes = 0;
  return {
    note(message) {
      const { topic, payload, qos, retain } = message;
      if (!retain) return true;
      const before = messages.get(topic);
      bytes -= bytesOf(before);
      // An empty one takes a retained message away; said once more it would do no harm, and no good.
      if (payload.length === 0) {
        messages.delete(topic);
        return true;
      }
      if ((!before && messages.size >= maxTopics) || bytes + bytesOf(message) > maxBytes) {
        messages.delete(topic);
        return false;
      }
      bytes += bytesOf(message);
      messages.set(topic, { topic, payload, qos, retain });
      return true;
    },
    forget(topic) {
      bytes -= bytesOf(messages.get(topic));
      return messages.delete(topic);
    },
    of: (topic) => messages.get(topic),
    all: () => [...messages.values()].map((message) => ({ ...message, ordinal: -1 })),
  };
}
