import { RegistryError } from './error.ts';

/** How a device is reached and what came of it last. Everything but `discovered` is polled. */
export const deviceStatuses = ['discovered', 'configured', 'connected', 'disconnected', 'error'] as const;

/** One of {@link deviceStatuses}. */
export type DeviceStatus = (typeof deviceStatuses)[number];

/** How often a device is tried and how long is waited between; times are seconds. */
export interface ConnectionConfig {
  retry_attempts: number;
  retry_interval: number;
  reconnection_delay: number;
}

/**
 * A monitor as devices.json has it, under its id. A Bluetooth device has `mac_address`, which is its id; a serial pack has `port`, and
 * `board` where several share a bus. Times are RFC 3339 in UTC. Keys that this release does not know are kept.
 */
export interface Device {
  mac_address?: string;
  /** Serial device or `tcp://host:port`. */
  port?: string;
  board?: number;
  /** As the requirement writes it, `BM6`; absent: found out at the first reading. */
  device_type?: string;
  friendly_name: string;
  vehicle_id?: string;
  status: DeviceStatus;
  discovered_at: string;
  configured_at?: string;
  /** Seconds from one reading to the next. */
  polling_interval: number;
  connection_config: ConnectionConfig;
  /** The pack counts a discharge as positive. */
  invert_current?: boolean;
}

/** What a device has unless somebody says otherwise (HAWK-47 to HAWK-50). */
export const deviceDefaults = {
  polling_interval: 3600,
  connection_config: { retry_attempts: 3, retry_interval: 60, reconnection_delay: 300 },
} as const;

/** Which status may follow which. `configured` may follow all, since setting up anew is always allowed. */
const followers: Record<DeviceStatus, readonly DeviceStatus[]> = {
  discovered: ['configured'],
  configured: ['connected', 'disconnected', 'error'],
  connected: ['disconnected', 'error', 'configured'],
  disconnected: ['connected', 'error', 'configured'],
  error: ['connected', 'disconnected', 'configured'],
};

/** Throws `transition` when `to` may not follow the device's status; staying the same is always allowed. */
export function checkTransition(id: string, { status }: Device, to: DeviceStatus): void {
  if (status === to || followers[status].includes(to)) return;
  const next = status === 'discovered' ? `Set it up first: registry set ${id} …` : undefined;
  throw new RegistryError('transition', `${id} is ${status}: it can't become ${to}`, next);
}

interface Field {
  /** Where it is kept. */
  of: 'device' | 'connection';
  /** Whether the value will do. */
  holds(value: unknown): boolean;
  /** What was expected, for messages. */
  expected: string;
}

const isCount =
  (least: number, most = Number.MAX_SAFE_INTEGER) =>
  (value: unknown) =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
const isText = (value: unknown): boolean => typeof value === 'string' && value.trim() !== '' && value.length <= 200;
const isSeconds = (value: unknown): boolean => typeof value === 'number' && value >= 1 && value <= 31_536_000;

/** What a user may change of a device, with `registry set`, the API or by hand. */
export const deviceFields = {
  friendly_name: { of: 'device', holds: isText, expected: 'a name' },
  device_type: { of: 'device', holds: isText, expected: 'a type such as BM6' },
  polling_interval: { of: 'device', holds: isSeconds, expected: 'seconds from 1 to a year' },
  port: { of: 'device', holds: isText, expected: 'a serial device or tcp://host:port' },
  board: { of: 'device', holds: isCount(1, 15), expected: 'a whole number from 1 to 15' },
  invert_current: { of: 'device', holds: (value) => typeof value === 'boolean', expected: 'true or false' },
  retry_attempts: { of: 'connection', holds: isCount(1), expected: 'a whole number from 1' },
  retry_interval: { of: 'connection', holds: isSeconds, expected: 'seconds from 1 to a year' },
  reconnection_delay: { of: 'connection', holds: isSeconds, expected: 'seconds from 1 to a year' },
} as const satisfies Record<string, Field>;

/** Changes to a device by field, `connection_config` flattened. */
export type DeviceChanges = Partial<Record<keyof typeof deviceFields, unknown>>;

/** Puts checked changes into a device. Throws `invalid` and names every value that will not do. */
export function applyChanges(device: Device, changes: DeviceChanges): void {
  const faults: string[] = [];
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) continue;
    const field: Field | undefined = Object.hasOwn(deviceFields, name)
      ? deviceFields[name as keyof typeof deviceFields]
      : undefined;
    if (!field) faults.push(`${name}: no such field; there are ${Object.keys(deviceFields).join(', ')}`);
    else if (!field.holds(value)) faults.push(`${name} ${JSON.stringify(value)}: expected ${field.expected}`);
    else Object.assign(field.of === 'device' ? device : device.connection_config, { [name]: value });
  }
  if (faults.length > 0) throw new RegistryError('invalid', faults.join('; '));
}
