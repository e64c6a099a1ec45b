import { alarmComponent, alarmKey } from './alarms.ts';
import { deviceOf, type KnownDevice, objectId } from './device.ts';
import { type Entity, entities } from './entities.ts';
import { locationTopic } from './location.ts';

/** What all discovery messages have in common. */
export interface ConfigSettings {
  /** `homeassistant`. */
  discoveryPrefix: string;
  /** Topic of birth and last will; undefined: nobody says it. */
  statusTopic: string | undefined;
  /** Seconds after which a battery's value is not shown any longer; 0: for ever. */
  expireAfter: number;
  /** Keys whose entities are taken out. */
  omit: ReadonlySet<string>;
  version: string;
}

/** The topic of a device's discovery message. */
export const configTopic = (prefix: string, id: string): string => `${prefix}/device/${objectId(id)}/config`;

type Availability = { topic: string; value_template: string };

/** Components of one entity: one, or one for each element of a list. Its id → what Home Assistant takes. */
function componentsOf(entity: Entity, length: number): [key: string, component: Record<string, unknown>][] {
  const base = {
    platform: entity.platform,
    ...(entity.deviceClass && { device_class: entity.deviceClass }),
    ...(entity.stateClass && { state_class: entity.stateClass }),
    ...(entity.unit && { unit_of_measurement: entity.unit }),
    ...(entity.precision !== undefined && { suggested_display_precision: entity.precision }),
    ...(entity.options && { options: entity.options }),
    ...(entity.category && { entity_category: entity.category }),
    ...(entity.icon && { icon: entity.icon }),
    ...(entity.hidden && { enabled_by_default: false }),
  };
  const { key, name } = entity;
  if (entity.platform === 'device_tracker') return [['location', { ...base, name, source_type: 'gps' }]];
  if (!entity.list) {
    const template = entity.template ?? `{{ value_json.${key} | default('None') }}`;
    return [[key, { ...base, name, value_template: template }]];
  }
  return Array.from({ length }, (_, i) => [
    `${entity.list}_${i + 1}`,
    {
      ...base,
      name: name.replace('#', String(i + 1)),
      value_template: `{{ (value_json.${key} | default([]))[${i}] | default('None') }}`,
    },
  ]);
}

/** Whether the device has what the entity shows, and how many of it: 0 for none. */
function countOf({ key, list, platform }: Entity, type: string, has: ReadonlySet<string>): number {
  if (platform === 'device_tracker') return has.has(`${type}.lat`) && has.has(`${type}.lon`) ? 1 : 0;
  if (!list) return has.has(`${type}.${key}`) ? 1 : 0;
  const start = `${type}.${key}.`;
  const lengths = [...has].filter((field) => field.startsWith(start)).map((field) => Number(field.slice(start.length)));
  const length = Math.max(0, ...lengths);
  // A single sensor is the temperature itself.
  return key === 'temperatures' && length < 2 ? 0 : length;
}

/**
 * The discovery message of a device (Home Assistant 2024.11 or newer): one device, an entity for every value and every alarm that it has
 * been seen to have. Undefined as long as there is none.
 */
export function discoveryConfig(known: KnownDevice, settings: ConfigSettings): Record<string, unknown> | undefined {
  const has = new Set(known.fields);
  const { topics, id } = known;
  const ofInstance: Availability[] = settings.statusTopic
    ? [{ topic: settings.statusTopic, value_template: '{{ value_json.status }}' }]
    : [];
  const own: Availability[] = [];
  if (topics['device_status'] !== undefined && has.has('device_status.status')) {
    const template = "{{ 'offline' if value_json.status | default('') in ['disconnected', 'error'] else 'online' }}";
    own.push({ topic: topics['device_status'], value_template: template });
  }
  if (topics['wallbox_state'] !== undefined) {
    const template = "{{ 'online' if value_json.online | default('') else 'offline' }}";
    own.push({ topic: topics['wallbox_state'], value_template: template });
  }
  const components: Record<string, unknown> = {};
  const removed: Record<string, { platform: string }> = {};
  for (const [type, list] of Object.entries(entities)) {
    const topic = topics[type];
    if (topic === undefined) continue;
    for (const entity of list) {
      const count = countOf(entity, type, has);
      if (count === 0) continue;
      for (const [key, component] of componentsOf(entity, count)) {
        const unique = type === 'device_status' ? 'connected' : key;
        if (settings.omit.has(entity.key)) {
          // It may have been announced before, and Home Assistant takes nothing away that is only missing.
          removed[unique] = { platform: entity.platform };
          continue;
        }
        components[unique] = {
          ...component,
          unique_id: `${objectId(id)}_${unique}`,
          ...(entity.platform === 'device_tracker'
            ? { json_attributes_topic: locationTopic(topic) }
            : { state_topic: topic }),
          ...(type === 'battery_reading' && settings.expireAfter > 0 && { expire_after: settings.expireAfter }),
          // What tells whether the device is there must not vanish with it.
          ...(entity.deviceClass === 'connectivity' && own.length > 0 && { availability: ofInstance }),
        };
      }
    }
  }
  for (const [name, topic] of Object.entries(known.alarms ?? {})) {
    const key = alarmKey(name);
    const component = alarmComponent(name, topic);
    if (settings.omit.has('alarm')) removed[key] = { platform: component.platform };
    else components[key] = { ...component, unique_id: `${objectId(id)}_${key}` };
  }
  if (Object.keys(components).length === 0) return undefined;
  const availability = [...ofInstance, ...own];
  return {
    device: deviceOf(known),
    origin: { name: 'voltpipe', sw_version: settings.version },
    qos: 1,
    ...(availability.length > 0 && { availability, availability_mode: 'all' }),
    components: { ...removed, ...components },
  };
}
