import { isBluetoothAddress } from '../../records/bluetooth-address.ts';
import type { VoltRecord } from '../../records/record.ts';

type Kind = 'battery' | 'vehicle' | 'wallbox';

/** What is known of a device: enough to announce it again after a restart. Plain JSON. */
export interface KnownDevice {
  kind: Kind;
  /** Its identity as the records have it. */
  id: string;
  /** Record type → the topic that its records go to. */
  topics: Record<string, string>;
  /** `type.key` of what it has been seen to have; of a list with its length: `battery_reading.cells.16`. */
  fields: string[];
  /** Name of each alarm that was raised or cleared → the topic that its records go to. */
  alarms?: Record<string, string>;
  name?: string;
  model?: string;
  firmware?: string;
  hardware?: string;
  /** Hash of the discovery message sent last, and when, in milliseconds since 1970. */
  sent?: { hash: string; at: number };
}

/** Keys that name a device, and what is named so. */
const kinds = {
  device_id: 'battery',
  vin: 'vehicle',
  vehicle_id: 'vehicle',
  charge_point: 'wallbox',
} as const satisfies Record<string, Kind>;

/** Record types that say something of a device, and the keys that name it, strongest first. */
export const subjects: Readonly<Record<string, readonly (keyof typeof kinds)[]>> = {
  battery_reading: ['device_id'],
  battery_stats: ['device_id'],
  device_status: ['device_id'],
  device_info: ['device_id'],
  engine_start: ['device_id'],
  vehicle_telemetry: ['vin', 'vehicle_id'],
  vehicle_summary: ['vehicle_id'],
  wallbox_state: ['charge_point'],
  alarm: ['device_id', 'vin', 'charge_point', 'vehicle_id'],
};

/** Whom a record of one of {@link subjects} is about; undefined when it does not say so. */
export function subjectOf(record: VoltRecord): { kind: Kind; id: string } | undefined {
  for (const key of subjects[record.type] ?? []) {
    const id = record[key];
    if (typeof id === 'string' && id !== '') return { kind: kinds[key], id };
  }
  return undefined;
}

/** An identity as Home Assistant takes it in topics and ids: letters, digits, `_` and `-`; an address loses its colons. */
export const objectId = (id: string): string => `voltpipe_${id.replaceAll(':', '').replace(/[^A-Za-z0-9_-]/g, '_')}`;

const makers: Readonly<Record<string, string>> = {
  bm2: 'Leagend',
  bm6: 'Leagend',
  bm7: 'Leagend',
  daly: 'Daly',
  jbd: 'JBD',
};

/** First characters of a VIN, which stand for the maker (ISO 3780). */
const worldMakers: readonly (readonly [start: RegExp, maker: string])[] = [
  [/^(WB[ASYX]|WBM|5UX|4US)/, 'BMW'],
  [/^WMW/, 'MINI'],
  [/^(5YJ|7SA|LRW|XP7|SFZ)/, 'Tesla'],
];

/** The `device` object of a discovery message. */
export function deviceOf(known: KnownDevice): Record<string, unknown> {
  const { kind, id, name, model, firmware, hardware } = known;
  const common = {
    identifiers: [objectId(id)],
    ...(firmware !== undefined && { sw_version: firmware }),
    ...(hardware !== undefined && { hw_version: hardware }),
  };
  if (kind === 'battery') {
    const maker = makers[model ?? ''];
    return {
      ...common,
      ...(isBluetoothAddress(id) && { connections: [['bluetooth', id]] }),
      name: name ?? (isBluetoothAddress(id) ? `Battery monitor ${id.slice(-5)}` : `Battery ${id}`),
      ...(maker && { manufacturer: maker }),
      ...(model !== undefined && { model: model.toUpperCase() }),
    };
  }
  if (kind === 'wallbox') return { ...common, name: name ?? 'Wallbox', serial_number: id };
  const maker = worldMakers.find(([start]) => start.test(id))?.[1];
  const isVin = /^[A-HJ-NPR-Z0-9]{17}$/.test(id);
  return {
    ...common,
    name: name ?? (isVin ? `${maker ?? 'Vehicle'} ${id.slice(-6)}` : id),
    ...(maker && { manufacturer: maker }),
    ...(isVin && { serial_number: id }),
  };
}
