import { deviceId, deviceType, ofDevice } from './common.ts';
import type { RecordFamily } from './family.ts';

/** A change in the life of a device. */
export const deviceStatus = {
  type: 'device_status',
  summary: 'a device was found, set up, reached or lost',
  keys: [
    ...ofDevice,
    {
      name: 'status',
      kind: 'string',
      summary: 'its status now',
      values: ['discovered', 'configured', 'connected', 'disconnected', 'error'],
      required: true,
    },
    { name: 'reason', kind: 'string', summary: 'why' },
  ],
} as const satisfies RecordFamily;

/** What a Bluetooth scan saw. */
export const bleDevice = {
  type: 'ble_device',
  summary: 'a Bluetooth device that a scan saw',
  keys: [
    { ...deviceId, required: true },
    deviceType,
    { name: 'name', kind: 'string', summary: 'the name that it advertises' },
    { name: 'rssi', kind: 'integer', unit: 'dBm', summary: 'signal strength' },
    { name: 'service_uuids', kind: 'array', summary: 'services that it advertises' },
    {
      name: 'manufacturer_data',
      kind: 'string',
      summary: 'last manufacturer record, company identifier first, hexadecimal',
    },
    { name: 'connectable', kind: 'boolean', summary: 'takes a connection now' },
    { name: 'candidates', kind: 'array', summary: 'types that it may be, when its advertisements leave it open' },
  ],
} as const satisfies RecordFamily;
