import { advertisedOf } from '../clients/bms/advertised.ts';
import { decodeAdvertisedReading, decodeBeacon } from '../protocols/bms/bm-advertisement.ts';
import { candidates, identify } from '../protocols/bms/identify.ts';
import { isBluetoothAddress } from '../records/bluetooth-address.ts';
import type { VoltRecord } from '../records/record.ts';
import { timestamp } from '../runtime/clock.ts';
import type { Sighting } from '../transports/ble/messages.ts';

/** A device as a `ble_device` record. */
export function deviceRecord(sighting: Sighting): VoltRecord {
  const advertised = advertisedOf(sighting);
  const family = identify(advertised);
  const open = family === undefined ? candidates(advertised).map((one) => one.family) : [];
  const record = sighting.manufacturerData.at(-1);
  return {
    type: 'ble_device',
    time: timestamp(sighting.at),
    device_id: sighting.id,
    ...(family !== undefined && { device_type: family }),
    ...(open.length > 0 && { candidates: open }),
    ...(advertised.name !== undefined && { name: advertised.name }),
    ...(sighting.rssi !== undefined && { rssi: sighting.rssi }),
    connectable: sighting.connectable,
    ...(sighting.services.length > 0 && { service_uuids: sighting.services }),
    ...(record !== undefined && { manufacturer_data: record }),
  };
}

/** What a monitor said of its battery without being connected: the encrypted reading, or the charge alone in its beacon. */
export function advertisedReading(sighting: Sighting): VoltRecord | undefined {
  const { address, manufacturerData } = advertisedOf(sighting);
  for (const record of manufacturerData.toReversed()) {
    const found = decodeAdvertisedReading(record, address) ?? decodeBeacon(record);
    if (!found || Object.keys(found.fields).length === 0) continue;
    return {
      type: 'battery_reading',
      time: timestamp(sighting.at),
      device_id: sighting.id,
      device_type: found.family,
      ...found.fields,
    };
  }
  return undefined;
}

/** A recorded `ble_device` as the sighting that it was; undefined for what is none. */
export function sightingOf(record: VoltRecord): Sighting | undefined {
  const { type, time, device_id: id, name, rssi, service_uuids: services, manufacturer_data: data } = record;
  if (type !== 'ble_device' || typeof id !== 'string' || time === undefined) return undefined;
  const at = Date.parse(time);
  if (Number.isNaN(at)) return undefined;
  const isHex = typeof data === 'string' && /^(?:[0-9a-f]{2})+$/i.test(data);
  return {
    id,
    ...(isBluetoothAddress(id) && { address: id }),
    ...(typeof name === 'string' && { name }),
    ...(typeof rssi === 'number' && { rssi }),
    services: Array.isArray(services) ? services.filter((one): one is string => typeof one === 'string') : [],
    manufacturerData: isHex ? [data.toLowerCase()] : [],
    connectable: record['connectable'] !== false,
    at,
  };
}
