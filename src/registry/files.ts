import { isJsonObject, type JsonObject } from '../records/json.ts';
import { type RegistryContent, recount, type Vehicle } from './content.ts';
import { type Device, deviceDefaults, deviceFields, deviceStatuses } from './device.ts';
import { broken, layoutVersion } from './document.ts';

type Entries = Readonly<Record<string, JsonObject>>;

function entriesOf(file: string, document: JsonObject, key: string): Entries {
  const map = document[key] ?? {};
  if (!isJsonObject(map)) throw broken(file, `${key}: expected an object`);
  for (const [id, entry] of Object.entries(map)) {
    if (!isJsonObject(entry)) throw broken(file, `${key}.${id}: expected an object`);
  }
  return map as Entries;
}

const isTime = (value: unknown): boolean => typeof value === 'string' && !Number.isNaN(Date.parse(value));

/** What is wrong with a device of the file, by key. */
function faultsOf(device: Device & JsonObject): string[] {
  const faults: string[] = [];
  const check = (name: string, holds: boolean, expected: string): void => {
    if (!holds) faults.push(`${name}: expected ${expected}`);
  };
  if (!isJsonObject(device.connection_config)) return ['connection_config: expected an object'];
  for (const [name, { of, holds, expected }] of Object.entries(deviceFields)) {
    const value = (of === 'device' ? device : (device.connection_config as unknown as JsonObject))[name];
    if (value !== undefined) check(name, holds(value), expected);
  }
  check('status', deviceStatuses.includes(device.status), `one of ${deviceStatuses.join(', ')}`);
  check('discovered_at', device.discovered_at === undefined || isTime(device.discovered_at), 'a time (RFC 3339)');
  check('mac_address or port', device.mac_address !== undefined || device.port !== undefined, 'one of both');
  check('vehicle_id', device.vehicle_id === undefined || typeof device.vehicle_id === 'string', 'text');
  return faults;
}

/** A device as it stands in the file; what is missing gets its default, what is not known stays. */
function deviceOf(file: string, id: string, entry: JsonObject): Device {
  const device = {
    friendly_name: id,
    status: 'discovered',
    ...deviceDefaults,
    ...entry,
    connection_config: isJsonObject(entry.connection_config ?? {})
      ? { ...deviceDefaults.connection_config, ...(entry.connection_config as object) }
      : entry.connection_config,
  } as Device & JsonObject;
  const faults = faultsOf(device);
  if (faults.length > 0) throw broken(file, faults.map((fault) => `devices.${id}.${fault}`).join('; '));
  return device;
}

function vehicleOf(file: string, id: string, entry: JsonObject): Vehicle {
  const { name = id } = entry;
  if (typeof name !== 'string' || name === '') throw broken(file, `vehicles.${id}.name: expected a name`);
  return { created_at: '', ...entry, name, device_count: 0 } as Vehicle;
}

/** The two documents of the registry and their names, for messages. */
export interface RegistryFiles {
  devices: { file: string; document: JsonObject };
  vehicles: { file: string; document: JsonObject };
}

/**
 * Understands the documents. A `vehicle_id` of a vehicle that is not there is no fault: its device is in no vehicle.
 *
 * @throws exit status 78 with every key of a device that will not do
 */
export function parseFiles({ devices, vehicles }: RegistryFiles): RegistryContent {
  const content: RegistryContent = { devices: {}, vehicles: {}, lastVehicle: 0 };
  for (const [id, entry] of Object.entries(entriesOf(devices.file, devices.document, 'devices'))) {
    content.devices[id] = deviceOf(devices.file, id, entry);
  }
  for (const [id, entry] of Object.entries(entriesOf(vehicles.file, vehicles.document, 'vehicles'))) {
    content.vehicles[id] = vehicleOf(vehicles.file, id, entry);
  }
  const { last_number: last } = vehicles.document;
  content.lastVehicle = Math.max(typeof last === 'number' ? last : 0, highestIn(content));
  recount(content);
  return content;
}

/** The highest N of the vehicles that are there. */
function highestIn({ vehicles }: RegistryContent): number {
  return Math.max(0, ...Object.keys(vehicles).map((id) => Number(/^vehicle_(\d+)$/.exec(id)?.[1] ?? 0)));
}

/** The documents that hold a content. Keys beside the map that the old document has are kept, its version too. */
export function formatFiles(
  content: RegistryContent,
  old: RegistryFiles,
): { devices: JsonObject; vehicles: JsonObject } {
  recount(content);
  const { last_number: _old, ...rest } = old.vehicles.document;
  const isHidden = content.lastVehicle > highestIn(content);
  return {
    devices: { version: layoutVersion, ...old.devices.document, devices: content.devices },
    vehicles: {
      version: layoutVersion,
      ...rest,
      vehicles: content.vehicles,
      ...(isHidden && { last_number: content.lastVehicle }),
    },
  };
}
