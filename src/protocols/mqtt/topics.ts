import type { VoltRecord } from '../../records/record.ts';

/** Where records of a type go, unless the user says otherwise. */
export interface TopicRule {
  template: string;
  qos: 0 | 1 | 2;
  /** The broker keeps the last one for those who come later. */
  retain: boolean;
}

/**
 * Topics by record type. Those of battery_hawk (readings, status, vehicle summary, system status, found devices) with its QoS and
 * retain flags; a state that changes seldom is retained, a reading is not, since it would look fresh for ever. An alarm is the state of
 * one rule, raised or cleared, and has a topic for each.
 */
export const topicRules: Readonly<Record<string, TopicRule>> = {
  battery_reading: { template: '{prefix}/device/{device_id}/reading', qos: 1, retain: false },
  device_status: { template: '{prefix}/device/{device_id}/status', qos: 1, retain: true },
  vehicle_summary: { template: '{prefix}/vehicle/{vehicle_id}/summary', qos: 1, retain: true },
  system_status: { template: '{prefix}/{instance}/status', qos: 2, retain: true },
  ble_device: { template: '{prefix}/discovery/found', qos: 1, retain: false },
  wallbox_state: { template: '{prefix}/wallbox/{charge_point}/state', qos: 1, retain: true },
  battery_stats: { template: '{prefix}/{type}/{identity}', qos: 1, retain: true },
  alarm: { template: '{prefix}/{type}/{identity}/{alarm}', qos: 1, retain: true },
  engine_start: { template: '{prefix}/{type}/{identity}', qos: 1, retain: true },
  vehicle_telemetry: { template: '{prefix}/{type}/{identity}', qos: 1, retain: true },
};

/** Every other record; one that is about nobody goes to the topic without its level. */
export const otherRule: TopicRule = { template: '{prefix}/{type}/{identity}', qos: 1, retain: false };

/** The rule of a record type. Records come from anywhere: one of the type `constructor` is a record, too. */
export const ruleOf = (type: string): TopicRule => (Object.hasOwn(topicRules, type) ? topicRules[type]! : otherRule);

/** Topic of birth and last will of the mqtt-pub that carries this instance's name. */
export const statusTopic = (prefix: string, instance: string): string => `${prefix}/${instance}/status`;

/** What the templates are filled with, and which of them the user has replaced. */
export interface TopicSettings {
  prefix: string;
  instance: string;
  /** Record type → template; `*` for all types. */
  templates?: Readonly<Record<string, string>>;
}

/** A topic, or the key that the record lacks for it. */
export type Topic = { topic: string; lacks?: undefined } | { topic?: undefined; lacks: string; template: string };

const identity = ['vin', 'device_id', 'vehicle_id', 'charge_point', 'source'] as const;

const plainLevel = /^[\w.:-]+$/;

/** A value as one level of a topic: what is no letter, digit, `_`, `.`, `:` or `-` becomes `_` (`DE*BMW*E1` → `DE_BMW_E1`). */
export function topicLevel(value: unknown): string {
  const text = String(value);
  return plainLevel.test(text) ? text : text.replace(/[^\p{L}\p{N}_.:-]/gu, '_');
}

/** Operators of a rule, longest first, as a topic can hold them: without them `voltage<12` and `voltage>12` would be one level. */
const operatorWords: readonly (readonly [operator: string, word: string])[] = [
  ['<=', '_le_'],
  ['>=', '_ge_'],
  ['==', '_eq_'],
  ['!=', '_ne_'],
  ['<', '_lt_'],
  ['>', '_gt_'],
];

/** The name of an alarm as one level of a topic: `voltage<12.2` → `voltage_lt_12.2`. */
const alarmLevel = (name: string): string =>
  topicLevel(operatorWords.reduce((text, [operator, word]) => text.replaceAll(operator, word), name));

type Part = { literal: string } | { key: string };

const partsOf = (template: string): Part[] =>
  template
    .split(/(\{\w+\})/)
    .filter((part) => part !== '')
    .map((part) => (part.startsWith('{') && part.endsWith('}') ? { key: part.slice(1, -1) } : { literal: part }));

/**
 * Makes the topic of each record by the template of its type.
 *
 * @param onCollision told when two identities become one level: (the level, the first, the second)
 */
export function topicMaker(
  { prefix, instance, templates = {} }: TopicSettings,
  onCollision?: (level: string, first: string, second: string) => void,
): (record: VoltRecord) => Topic {
  const replaced = new Map(Object.entries(templates));
  const compiled = new Map<string, Part[]>();
  const names = new Map<string, string>();

  const level = (key: string, value: string | number | boolean): string => {
    const raw = String(value);
    const made = key === 'alarm' ? alarmLevel(raw) : topicLevel(raw);
    if (onCollision && (made !== raw || names.has(made))) {
      const first = names.get(made);
      if (first === undefined) names.set(made, raw);
      else if (first !== raw) onCollision(made, first, raw);
    }
    return made;
  };

  const levelOf = (record: VoltRecord, key: string): string | undefined => {
    if (key === 'prefix') return prefix;
    if (key === 'instance') return instance;
    const found =
      key === 'identity' ? identity.map((name) => record[name]).find((one) => one !== undefined) : record[key];
    const usable = typeof found === 'string' ? found !== '' : typeof found === 'number' || typeof found === 'boolean';
    return usable ? level(key, found as string | number | boolean) : undefined;
  };

  return (record) => {
    const { type } = record;
    const own = replaced.get(type) ?? replaced.get('*');
    const template = own ?? ruleOf(type).template;
    let parts = compiled.get(template);
    if (!parts) {
      parts = partsOf(template);
      compiled.set(template, parts);
    }
    let topic = '';
    for (const part of parts) {
      if ('literal' in part) {
        topic += part.literal;
        continue;
      }
      const value = levelOf(record, part.key);
      if (value === undefined) {
        if (own === undefined && part.key === 'identity') {
          topic = topic.replace(/\/$/, '');
          continue;
        }
        return { lacks: part.key, template };
      }
      topic += value;
    }
    return { topic };
  };
}

const longest = 65_535;

/** What is wrong with a topic to publish to, or undefined (MQTT 3.1.1 section 4.7). */
export function topicFault(topic: string): string | undefined {
  if (topic === '') return 'an empty topic';
  if (/[+#]/.test(topic)) return 'a wildcard in a topic to publish to';
  if (topic.includes('\0')) return 'a NUL in a topic';
  return topic.length * 3 > longest && Buffer.byteLength(topic) > longest
    ? 'a topic of more than 65535 bytes'
    : undefined;
}

/** What is wrong with a template, or undefined. */
export function templateFault(template: string): string | undefined {
  const stripped = template.replace(/\{\w+\}/g, 'x');
  return /[{}]/.test(stripped) ? 'a brace without its key, as in {device_id}' : topicFault(stripped);
}

/** What is wrong with a topic filter to subscribe to, or undefined. */
export function filterFault(filter: string): string | undefined {
  if (filter === '') return 'an empty topic filter';
  if (filter.includes('\0')) return 'a NUL in a topic filter';
  if (Buffer.byteLength(filter) > longest) return 'a topic filter of more than 65535 bytes';
  const levels = filter.split('/');
  if (levels[0] === '$share') {
    if (levels.length < 3 || levels[1] === '' || /[+#]/.test(levels[1]!))
      return '$share needs a group and a topic filter';
    return filterFault(levels.slice(2).join('/'));
  }
  for (const [index, one] of levels.entries()) {
    if (one.includes('#') && (one !== '#' || index < levels.length - 1)) return '# that is not the last level alone';
    if (one.includes('+') && one !== '+') return '+ that is not a level of its own';
  }
  return undefined;
}
