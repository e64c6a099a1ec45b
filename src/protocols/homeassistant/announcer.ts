import type { VoltRecord } from '../../records/record.ts';
import { createAlarmTopics } from './alarms.ts';
import { type ConfigSettings, configTopic, discoveryConfig } from './config.ts';
import { type KnownDevice, objectId, subjectOf } from './device.ts';
import { entities } from './entities.ts';

/** Devices by the id that Home Assistant knows them by. */
export type KnownDevices = Record<string, KnownDevice>;

/** Finds out which devices there are and what they have. */
export interface Announcer {
  /**
   * The discovery message that this record asks for, or undefined: when nothing is new. Its payload is empty, which takes the device
   * out, when nothing that was announced of it is wanted any longer.
   *
   * @param topic where the record goes
   * @param now milliseconds since 1970
   */
  take(
    record: VoltRecord,
    topic: string | undefined,
    now: number,
  ): { topic: string; payload: object | ''; id: string } | undefined;
  readonly devices: KnownDevices;
}

/** A job of cron sends an unchanged message again when the last one is older: a broker may have forgotten it, or never had it. */
const announceAgain = 3_600_000;

const lists = new Set(Object.values(entities).flatMap((all) => all.filter(({ list }) => list).map(({ key }) => key)));
const shown = new Map(
  Object.entries(entities).map(([type, all]) => [type, new Set([...all.map(({ key }) => key), 'lon'])] as const),
);

/** FNV-1a, 32 bits: enough to see that a text has changed. */
function hashOf(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16);
}

interface Live {
  known: KnownDevice;
  has: Set<string>;
  /** This run has looked at whether to announce it. */
  looked: boolean;
}

/**
 * @param saved what earlier runs found out
 * @param onCollision told when two devices have one id for Home Assistant, as `battery garage` and `wallbox garage`, or two alarms one
 *   topic; the second is left out
 */
export function createAnnouncer(
  settings: ConfigSettings,
  saved: KnownDevices,
  onCollision: (first: string, second: string) => void,
): Announcer {
  const live = new Map<string, Live>(
    Object.entries(saved).map(([key, known]) => [key, { known, has: new Set(known.fields), looked: false }]),
  );

  const alarms = createAlarmTopics(saved, onCollision);

  /** Notes where records of a type go; true when that is new. */
  const noteTopic = (device: Live, record: VoltRecord, topic: string): boolean => {
    if (record.type === 'alarm') return alarms.note(device.known, record, topic);
    const { topics } = device.known;
    if (topics[record.type] === topic) return false;
    topics[record.type] = topic;
    return true;
  };

  /** Notes the fields of a record; true when one is new. */
  const noteFields = ({ known, has }: Live, record: VoltRecord): boolean => {
    const wanted = shown.get(record.type);
    let fresh = false;
    for (const key in record) {
      if (!wanted?.has(key)) continue;
      const value = record[key];
      const field = `${record.type}.${key}${lists.has(key) ? `.${Array.isArray(value) ? value.length : 0}` : ''}`;
      if (has.has(field)) continue;
      has.add(field);
      known.fields.push(field);
      fresh = true;
    }
    return fresh;
  };

  const factsOf: readonly (readonly [from: string, to: 'name' | 'model' | 'firmware' | 'hardware'])[] = [
    ['device_name', 'name'],
    ['vehicle_name', 'name'],
    ['device_type', 'model'],
    ['firmware', 'firmware'],
    ['hardware', 'hardware'],
  ];

  /** Notes name, model and versions; true when one has changed. A battery is not named after its vehicle. */
  const noteFacts = ({ known }: Live, record: VoltRecord): boolean => {
    let changed = false;
    for (const [from, to] of factsOf) {
      const value = record[from];
      if (typeof value !== 'string' || value === '' || known[to] === value) continue;
      if (from === 'vehicle_name' && known.kind !== 'vehicle') continue;
      known[to] = value;
      changed = true;
    }
    return changed;
  };

  return {
    get devices() {
      return Object.fromEntries([...live].map(([key, { known }]) => [key, known]));
    },
    take(record, topic, now) {
      const subject = subjectOf(record);
      if (!subject) return undefined;
      const { kind, id } = subject;
      const key = objectId(id);
      let device = live.get(key);
      if (!device) {
        device = { known: { kind, id, topics: {}, fields: [] }, has: new Set(), looked: false };
        live.set(key, device);
      }
      const { known } = device;
      if (known.id !== id || known.kind !== kind) {
        onCollision(`${known.kind} ${known.id}`, `${kind} ${id}`);
        return undefined;
      }
      let changed = !device.looked;
      if (topic !== undefined) changed = noteTopic(device, record, topic) || changed;
      changed = noteFields(device, record) || changed;
      changed = noteFacts(device, record) || changed;
      if (!changed) return undefined;
      const { sent } = known;
      const payload = discoveryConfig(known, settings) ?? (sent ? '' : undefined);
      if (payload === undefined) return undefined;
      const first = !device.looked;
      device.looked = true;
      const hash = hashOf(JSON.stringify(payload));
      // A run that stays says all once: nobody tells us whether the message of the last one arrived.
      const due = first && (settings.statusTopic !== undefined || Math.abs(now - (sent?.at ?? 0)) > announceAgain);
      if (sent?.hash === hash && !due) return undefined;
      known.sent = { hash, at: now };
      return { topic: configTopic(settings.discoveryPrefix, id), payload, id };
    },
  };
}
