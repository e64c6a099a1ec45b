import type { Clock } from '../../runtime/clock.ts';
import type { Log } from '../../runtime/log.ts';
import type { MqttConnection, MqttMessage } from '../../transports/mqtt/client.ts';
import { failureCode } from '../../transports/mqtt/failure.ts';

/** Notices that others have emptied a discovery message of ours: somebody has deleted the device in Home Assistant. */
export interface Deletions {
  /** We have published a retained message; where it is a discovery message, its topic is listened to from about now on. */
  watch(topic: string): void;
  /** Connected, with these retained topics at the broker. */
  up(connection: MqttConnection, topics: readonly string[]): void;
  down(): void;
  /** Takes a message; one that empties a topic that is listened to is told to `onDeleted`. */
  take(message: MqttMessage): void;
}

/** Topics of one SUBSCRIBE are collected for so long; a run that is over sooner needs none. */
const collectFor = 1000;

/** Home Assistant looks for its discovery messages at topics that end so, whatever its prefix. */
const isDiscovery = (topic: string): boolean => topic.endsWith('/config');

/** Makes one that listens to nothing yet. */
export function createDeletions(clock: Clock, log: Log, onDeleted: (topic: string) => void): Deletions {
  let connection: MqttConnection | undefined;
  const watched = new Set<string>();
  let fresh: string[] = [];
  let cancel: (() => void) | undefined;

  const subscribe = async (to: MqttConnection, topics: readonly string[]): Promise<void> => {
    const grants = await to.subscribe(topics, 1);
    const refused = grants.find(({ code }) => code >= failureCode);
    if (!refused) return;
    log.lost(
      'deletions',
      'broker refuses the subscription to discovery messages: a device deleted in Home Assistant comes back with its next start',
      { topic: refused.topic },
    );
  };
  const subscribeSoon = (): void => {
    cancel ??= clock.after(
      collectFor,
      () => {
        cancel = undefined;
        const topics = fresh;
        fresh = [];
        // The reason of a failure is that of the connection, which tells it.
        if (connection) subscribe(connection, topics).catch(() => {});
      },
      { idle: true },
    );
  };
  const watch = (topic: string): void => {
    if (!connection || !isDiscovery(topic) || watched.has(topic)) return;
    watched.add(topic);
    fresh.push(topic);
    subscribeSoon();
  };
  const down = (): void => {
    cancel?.();
    cancel = undefined;
    connection = undefined;
    watched.clear();
    fresh = [];
  };

  return {
    watch,
    down,
    up(to, topics) {
      down();
      connection = to;
      for (const topic of topics) watch(topic);
    },
    take({ topic, payload }) {
      if (payload.length === 0 && watched.has(topic)) onDeleted(topic);
    },
  };
}
