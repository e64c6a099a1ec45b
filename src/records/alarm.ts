import { deviceId, deviceName, deviceType, vehicleId, vehicleName, vin } from './common.ts';
import type { RecordFamily } from './family.ts';

/** A limit was passed, or is no longer. */
export const alarm = {
  type: 'alarm',
  summary: 'a limit was passed, or is no longer',
  keys: [
    deviceId,
    deviceName,
    deviceType,
    vehicleId,
    vehicleName,
    vin,
    { name: 'alarm', kind: 'string', summary: 'name of the rule', required: true },
    { name: 'state', kind: 'string', summary: 'what happened', values: ['raised', 'cleared'], required: true },
    { name: 'value', kind: 'number', summary: 'the value that did it, in its own unit' },
    { name: 'threshold', kind: 'number', summary: 'the limit, in the same unit' },
    { name: 'since', kind: 'string', summary: 'since when the limit is passed (RFC 3339)' },
    { name: 'reason', kind: 'string', summary: 'why it is cleared, when no reading did it' },
  ],
} as const satisfies RecordFamily;
