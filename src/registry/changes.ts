import { findDevice, findVehicle, type RegistryContent } from './content.ts';
import {
  applyChanges,
  checkTransition,
  type Device,
  type DeviceChanges,
  type DeviceStatus,
  deviceDefaults,
} from './device.ts';
import { RegistryError } from './error.ts';
import { bluetoothAddress, checkPackId, packId } from './identity.ts';

/*
 * Each change works on a draft, a copy of the content that the store throws away when the change fails. `now` is RFC 3339.
 */

/** Where a new device is and what is known of it. */
export type Found = {
  /** Known from an advertisement, in any case of letters: `bm6`. */
  device_type?: string | undefined;
  friendly_name?: string | undefined;
  /** Id or name of a vehicle that is there; without it a new one is made. */
  vehicle?: string | undefined;
} & (
  | { mac_address: string }
  | {
      port: string;
      board?: number | undefined;
      /** Instead of the id that follows from the port. */
      id?: string | undefined;
    }
);

function idOf(found: Found): string {
  if ('port' in found) return found.id === undefined ? packId(found.port, found.board) : checkPackId(found.id);
  const address = bluetoothAddress(found.mac_address);
  if (address !== undefined) return address;
  throw new RegistryError('invalid', `${found.mac_address}: no Bluetooth address such as AA:BB:CC:DD:EE:FF`);
}

/** `BM6 EEFF`, or the id of a pack. */
function defaultName(id: string, { device_type }: Found): string {
  if (!/^[0-9A-F:]{17}$/.test(id)) return id;
  return `${device_type?.toUpperCase() ?? 'Monitor'} ${id.slice(-5).replace(':', '')}`;
}

/** Makes the vehicle "Vehicle N"; N is one more than any number was before (C-13). */
export function addVehicle(draft: RegistryContent, now: string, name?: string): string {
  const number = ++draft.lastVehicle;
  const id = `vehicle_${number}`;
  draft.vehicles[id] = { name: name ?? `Vehicle ${number}`, created_at: now, device_count: 0 };
  return id;
}

function put(draft: RegistryContent, now: string, found: Found, status: DeviceStatus): string {
  const id = idOf(found);
  const vehicle = found.vehicle === undefined ? addVehicle(draft, now) : findVehicle(draft, found.vehicle);
  const device: Device = {
    ...('port' in found
      ? { port: found.port, ...(found.board !== undefined && { board: found.board }) }
      : { mac_address: id }),
    ...(found.device_type !== undefined && { device_type: found.device_type.toUpperCase() }),
    friendly_name: found.friendly_name ?? defaultName(id, found),
    vehicle_id: vehicle,
    status,
    discovered_at: now,
    ...(status === 'configured' && { configured_at: now }),
    polling_interval: deviceDefaults.polling_interval,
    connection_config: { ...deviceDefaults.connection_config },
  };
  draft.devices[id] = device;
  return id;
}

/**
 * A scan saw a device. A new one is stored as `discovered`, with a vehicle of its own, and awaits its configuration; one that is
 * known stays as it is, but for a type that was not known before.
 */
export function discover(draft: RegistryContent, now: string, found: Found): { id: string; isNew: boolean } {
  const id = idOf(found);
  const known = draft.devices[id];
  if (!known) return { id: put(draft, now, found, 'discovered'), isNew: true };
  if (known.device_type === undefined && found.device_type !== undefined)
    known.device_type = found.device_type.toUpperCase();
  return { id, isNew: false };
}

/** Adds a device by hand, set up and ready to be polled. Throws `exists` for one that is there. */
export function addDevice(draft: RegistryContent, now: string, found: Found, changes: DeviceChanges = {}): string {
  const id = idOf(found);
  if (Object.hasOwn(draft.devices, id)) throw new RegistryError('exists', `${id}: is registered already`);
  put(draft, now, found, 'configured');
  applyChanges(draft.devices[id]!, changes);
  return id;
}

/** Changes a device; one that was only `discovered` is set up by it. Returns its id. */
export function configureDevice(
  draft: RegistryContent,
  now: string,
  wanted: string,
  changes: DeviceChanges,
  vehicle?: string,
): string {
  const id = findDevice(draft, wanted);
  const device = draft.devices[id]!;
  applyChanges(device, changes);
  if (vehicle !== undefined) device.vehicle_id = findVehicle(draft, vehicle);
  if (device.status === 'discovered') device.status = 'configured';
  device.configured_at = now;
  return id;
}

/** Moves a device to a vehicle. What was measured before keeps the vehicle that it was measured in (HAWK-119, HAWK-120). */
export function assignDevice(draft: RegistryContent, wanted: string, vehicle: string): string {
  const id = findDevice(draft, wanted);
  draft.devices[id]!.vehicle_id = findVehicle(draft, vehicle);
  return id;
}

/** Writes down what came of reaching a device. Throws `transition` for what can't follow. Returns whether anything changed. */
export function setStatus(draft: RegistryContent, wanted: string, status: DeviceStatus): boolean {
  const id = findDevice(draft, wanted);
  const device = draft.devices[id]!;
  checkTransition(id, device, status);
  const changed = device.status !== status;
  device.status = status;
  return changed;
}

/** Forgets a device; its vehicle stays. */
export function removeDevice(draft: RegistryContent, wanted: string): string {
  const id = findDevice(draft, wanted);
  delete draft.devices[id];
  return id;
}

/** Gives a vehicle another name. */
export function renameVehicle(draft: RegistryContent, wanted: string, name: string): string {
  const id = findVehicle(draft, wanted);
  if (name.trim() === '' || name.length > 200) throw new RegistryError('invalid', 'name: expected a name');
  draft.vehicles[id]!.name = name;
  return id;
}

/** Forgets a vehicle. Throws `in-use` while devices are in it. */
export function removeVehicle(draft: RegistryContent, wanted: string): string {
  const id = findVehicle(draft, wanted);
  const inside = Object.keys(draft.devices).filter((key) => draft.devices[key]!.vehicle_id === id);
  if (inside.length > 0) {
    throw new RegistryError('in-use', `${id}: ${inside.join(', ')} is in it`, 'Assign that elsewhere first.');
  }
  delete draft.vehicles[id];
  return id;
}
