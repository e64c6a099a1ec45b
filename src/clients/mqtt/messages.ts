import { splitValues, toWirePayload } from '../../protocols/mqtt/payloads.ts';
import {
  ruleOf,
  statusTopic,
  type TopicSettings,
  templateFault,
  topicFault,
  topicLevel,
  topicMaker,
} from '../../protocols/mqtt/topics.ts';
import type { VoltRecord } from '../../records/record.ts';
import { fail } from '../../runtime/exit.ts';
import type { Job } from './publisher.ts';

/** How records become messages. */
export interface MessageSettings extends TopicSettings {
  /** For every record; undefined: as its type has it. */
  qos: 0 | 1 | 2 | undefined;
  /** Types that are retained, instead of those that are by themselves; `all`, `none`. Empty: no say. */
  retain: readonly string[];
  /** Every value in a topic of its own, below the record's. */
  split: boolean;
  /** Birth and last will are published: a system_status on the same topic must not make us look offline. */
  status: boolean;
}

/** The messages of one record, or why it has none. */
export type Messages = readonly Job[] | string;

/**
 * Makes the messages of each record. An `mqtt_message` is sent as it says; any other record becomes one JSON text, its own line.
 *
 * @param onCollision told when two identities become one level of a topic
 */
export function messageMaker(
  settings: MessageSettings,
  onCollision: (level: string, first: string, second: string) => void,
): (record: VoltRecord, text: () => string, ordinal: number) => Messages {
  const topicOf = topicMaker(settings, onCollision);
  const own = settings.status ? statusTopic(settings.prefix, settings.instance) : undefined;
  const { retain } = settings;
  const retained = retain.length > 0 ? new Set(retain) : undefined;

  const wayOf = (type: string): { qos: 0 | 1 | 2; retain: boolean } => {
    const rule = ruleOf(type);
    return {
      qos: settings.qos ?? rule.qos,
      retain: retained ? retained.has('all') || retained.has(type) : rule.retain,
    };
  };
  const ways = new Map<string, ReturnType<typeof wayOf>>();

  return (record, text, ordinal) => {
    const { type } = record;
    if (type === 'mqtt_message') return ready(record, settings.qos ?? 1, ordinal);
    const made = topicOf(record);
    if (made.topic === undefined) return `no ${made.lacks} for the topic ${made.template}`;
    const { topic } = made;
    const fault = topicFault(topic);
    if (fault) return fault;
    let way = ways.get(type);
    if (!way) {
      way = wayOf(type);
      ways.set(type, way);
    }
    const { qos, retain: keep } = way;
    if (settings.split) {
      return splitValues(record).map(([key, payload]) => ({
        topic: `${topic}/${topicLevel(key)}`,
        payload,
        qos,
        retain: keep,
        ordinal,
      }));
    }
    const payload = topic === own ? JSON.stringify({ ...record, status: 'online' }) : text();
    return [{ topic, payload, qos, retain: keep, ordinal }];
  };
}

/** A message that is one already. */
function ready(record: VoltRecord, defaultQos: 0 | 1 | 2, ordinal: number): Messages {
  const { topic, qos = defaultQos, retain = false } = record;
  if (typeof topic !== 'string') return 'an mqtt_message without a topic';
  const fault = topicFault(topic);
  if (fault) return fault;
  if (qos !== 0 && qos !== 1 && qos !== 2) return `qos ${JSON.stringify(qos)}`;
  if (typeof retain !== 'boolean') return `retain ${JSON.stringify(retain)}`;
  const wire = toWirePayload(record);
  return 'fault' in wire ? wire.fault : [{ topic, payload: wire.bytes, qos, retain, ordinal }];
}

/**
 * The templates of `--topic`, by record type. Throws exit status 64 with what is wrong with one.
 *
 * @param given `TYPE=TEMPLATE`, or a template for all
 */
export function parseTemplates(given: readonly string[]): Record<string, string> {
  const templates: Record<string, string> = {};
  for (const one of given) {
    const [, type, template] = /^(?:([a-z]\w*)=)?(.*)$/s.exec(one)!;
    const fault = templateFault(template!);
    if (fault) throw fail('usage', `--topic ${one}: ${fault}`);
    templates[type ?? '*'] = template!;
  }
  return templates;
}

/** Checks prefix and instance, whose names go into topics. Throws exit status 78. */
export function checkTopics(opts: Record<string, unknown>): void {
  const { prefix, instance, topic } = opts as { prefix: string; instance: string; topic: readonly string[] };
  const fault = topicFault(prefix);
  if (fault) throw fail('config', `mqtt.topic_prefix ${prefix}: ${fault}`);
  if (!/^[\w-]+$/.test(instance)) {
    throw fail('config', `mqtt.instance ${instance}: no name`, 'A name is made of letters, digits, _ and -.');
  }
  parseTemplates(topic);
}
