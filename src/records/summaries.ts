import { vehicleId, vehicleName } from './common.ts';
import type { RecordFamily } from './family.ts';

/** What a registry of devices says about one vehicle. */
export const vehicleSummary = {
  type: 'vehicle_summary',
  summary: 'the batteries of one vehicle in a line',
  keys: [
    { ...vehicleId, required: true },
    vehicleName,
    { name: 'device_count', kind: 'integer', summary: 'monitors in the vehicle' },
    { name: 'lowest_voltage', kind: 'number', unit: 'V', summary: 'lowest battery voltage' },
    { name: 'lowest_state_of_charge', kind: 'number', unit: '%', summary: 'lowest state of charge' },
    { name: 'oldest_reading', kind: 'string', summary: 'time of the oldest reading among them (RFC 3339)' },
  ],
} as const satisfies RecordFamily;

/** What the installation says about itself. */
export const systemStatus = {
  type: 'system_status',
  summary: 'the installation in a line',
  keys: [
    { name: 'devices', kind: 'object', summary: 'status → number of devices' },
    { name: 'uptime', kind: 'number', unit: 's', summary: 'time since the start' },
    { name: 'version', kind: 'string', summary: 'version of voltpipe' },
  ],
} as const satisfies RecordFamily;
