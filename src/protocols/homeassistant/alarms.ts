import type { VoltRecord } from '../../records/record.ts';
import type { KnownDevice } from './device.ts';

/**
 * The key of an alarm among the components of its device; part of the unique id, hence never changed. Everything but letters, digits
 * and `_` is written as its number, so that no two names become one: `voltage<12` → `alarm_voltage-3c-12`.
 */
export const alarmKey = (name: string): string =>
  `alarm_${name.replace(/\W/gu, (sign) => `-${sign.codePointAt(0)!.toString(16)}-`)}`;

/**
 * Alarms of a battery that is low, which Home Assistant shows as that: conditions over voltage or charge that are no slope, and
 * protections of JBD and Daly. By their names, since an alarm record does not tell its rule; one that the user has named is a problem.
 */
const lowBattery = [
  /^(voltage|state_of_charge|soc|(lowest|aux_battery)_(voltage|state_of_charge|soc))<=?-?[\d.]+$/,
  /^(pack_undervoltage|(pack_voltage|soc)_low(_\d)?)$/,
];

/** A name as people read it; a condition stays as it is. */
const shownName = (name: string): string => `Alarm ${/^\w+$/.test(name) ? name.replaceAll('_', ' ') : name}`;

const state = "value_json.state | default('')";

/** What Home Assistant makes of the alarm records of one name: on while it is raised, with what the record says about it. */
export const alarmComponent = (name: string, topic: string): { platform: string } & Record<string, unknown> => ({
  platform: 'binary_sensor',
  name: shownName(name),
  device_class: lowBattery.some((pattern) => pattern.test(name)) ? 'battery' : 'problem',
  state_topic: topic,
  value_template: `{{ 'ON' if ${state} in ['raised'] else 'OFF' if ${state} in ['cleared'] else 'None' }}`,
  json_attributes_topic: topic,
  json_attributes_template:
    "{{ dict(value_json.items() | selectattr(0, 'in', ['value', 'threshold', 'since', 'reason'])) | tojson }}",
});

/** Knows which alarm goes where. */
export interface AlarmTopics {
  /** Notes the alarm that a record raises or clears; true when it is a new one of the device, or goes elsewhere than before. */
  note(known: KnownDevice, record: VoltRecord, topic: string): boolean;
}

/**
 * @param saved what earlier runs found out
 * @param onCollision told when two alarms go to one topic, where one would show what becomes of the other; the second is left out
 */
export function createAlarmTopics(
  saved: Readonly<Record<string, KnownDevice>>,
  onCollision: (first: string, second: string) => void,
): AlarmTopics {
  const owners = new Map<string, string>();
  const ownerOf = (name: string, { id }: KnownDevice): string => `alarm ${name} of ${id}`;
  for (const known of Object.values(saved)) {
    for (const [name, topic] of Object.entries(known.alarms ?? {})) owners.set(topic, ownerOf(name, known));
  }
  return {
    note(known, { alarm: name }, topic) {
      if (typeof name !== 'string' || known.alarms?.[name] === topic) return false;
      const own = ownerOf(name, known);
      const first = owners.get(topic) ?? own;
      if (first !== own) {
        onCollision(first, own);
        return false;
      }
      owners.set(topic, own);
      known.alarms = { ...known.alarms, [name]: topic };
      return true;
    },
  };
}
