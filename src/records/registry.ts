import { ofDevice, vehicleId, vehicleName } from './common.ts';
import type { RecordFamily } from './family.ts';

/** A monitor as the registry has it. */
export const registeredDevice = {
  type: 'device',
  summary: 'a battery monitor as the registry has it; time is when it was looked up',
  keys: [
    ...ofDevice,
    {
      name: 'status',
      kind: 'string',
      summary: 'discovered: awaits its set-up; the others: what came of reaching it last',
      values: ['discovered', 'configured', 'connected', 'disconnected', 'error'],
      required: true,
    },
    { name: 'port', kind: 'string', summary: 'serial device or tcp://host:port of a pack on a wire' },
    { name: 'board', kind: 'integer', summary: 'address of the pack on a shared bus' },
    { name: 'invert_current', kind: 'boolean', summary: 'the pack counts a discharge as positive' },
    { name: 'discovered_at', kind: 'string', summary: 'when it was first seen (RFC 3339)' },
    { name: 'configured_at', kind: 'string', summary: 'when it was set up last (RFC 3339)' },
    { name: 'polling_interval', kind: 'number', unit: 's', summary: 'time from one reading to the next' },
    { name: 'retry_attempts', kind: 'integer', summary: 'tries before it counts as unreachable' },
    { name: 'retry_interval', kind: 'number', unit: 's', summary: 'time between tries' },
    { name: 'reconnection_delay', kind: 'number', unit: 's', summary: 'pause after a series of tries' },
  ],
} as const satisfies RecordFamily;

/** A vehicle as the registry has it. */
export const registeredVehicle = {
  type: 'vehicle',
  summary: 'a vehicle as the registry has it; time is when it was looked up',
  keys: [
    { ...vehicleId, required: true },
    vehicleName,
    { name: 'device_count', kind: 'integer', summary: 'monitors in it', required: true },
    { name: 'created_at', kind: 'string', summary: 'when it was made (RFC 3339)' },
  ],
} as const satisfies RecordFamily;

/** A setting and its value. */
export const setting = {
  type: 'setting',
  summary: 'a setting and the value that holds; time is when it was looked up',
  keys: [
    { name: 'key', kind: 'string', summary: 'its key, dotted', required: true },
    { name: 'value', kind: 'any', summary: 'its value; absent for a secret, and where there is none' },
    { name: 'secret', kind: 'boolean', summary: 'it has a value, which is not shown' },
  ],
} as const satisfies RecordFamily;
