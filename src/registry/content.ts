import type { Device } from './device.ts';
import { RegistryError } from './error.ts';
import { bluetoothAddress } from './identity.ts';

/** A vehicle as vehicles.json has it, under its id `vehicle_N`. */
export interface Vehicle {
  name: string;
  created_at: string;
  /** Made of the devices with each write; never taken from the file. */
  device_count: number;
}

/** devices.json and vehicles.json together. */
export interface RegistryContent {
  devices: Record<string, Device>;
  vehicles: Record<string, Vehicle>;
  /** The highest N that a `vehicle_N` ever had: numbers are not used again. */
  lastVehicle: number;
}

/** Who a device is, in the words of every record. */
export interface DeviceIdentity {
  device_id: string;
  device_name: string;
  device_type?: string;
  vehicle_id?: string;
  vehicle_name?: string;
}

/** The id of a registered device by its id in any spelling, or by its name. Throws `unknown-device`. */
export function findDevice({ devices }: RegistryContent, wanted: string): string {
  const id = Object.hasOwn(devices, wanted) ? wanted : bluetoothAddress(wanted);
  if (id !== undefined && Object.hasOwn(devices, id)) return id;
  const named = Object.keys(devices).filter((key) => devices[key]!.friendly_name === wanted);
  if (named.length === 1) return named[0]!;
  if (named.length > 1) {
    throw new RegistryError('unknown-device', `'${wanted}' is the name of ${named.join(' and ')}`, 'Use the id.');
  }
  throw new RegistryError('unknown-device', `${wanted}: no such device`, 'registry list shows those that there are.');
}

/** The id of a vehicle by its id or its name. Throws `unknown-vehicle`. */
export function findVehicle({ vehicles }: RegistryContent, wanted: string): string {
  if (Object.hasOwn(vehicles, wanted)) return wanted;
  const named = Object.keys(vehicles).filter((key) => vehicles[key]!.name === wanted);
  if (named.length === 1) return named[0]!;
  const what = named.length > 1 ? `is the name of ${named.join(' and ')}` : 'no such vehicle';
  throw new RegistryError(
    'unknown-vehicle',
    `${wanted}: ${what}`,
    named.length > 1 ? 'Use the id.' : 'registry list vehicles shows those that there are.',
  );
}

/** The identity keys of a device's records; what is not known is absent. Names are the registry's, letter by letter (C-13). */
export function identityOf({ devices, vehicles }: RegistryContent, id: string): DeviceIdentity {
  const device = devices[id];
  const vehicle = device?.vehicle_id === undefined ? undefined : vehicles[device.vehicle_id];
  return {
    device_id: id,
    device_name: device?.friendly_name ?? id,
    ...(device?.device_type !== undefined && { device_type: device.device_type.toLowerCase() }),
    ...(vehicle && { vehicle_id: device!.vehicle_id!, vehicle_name: vehicle.name }),
  };
}

/** Counts the devices of each vehicle anew. */
export function recount({ devices, vehicles }: RegistryContent): void {
  for (const vehicle of Object.values(vehicles)) vehicle.device_count = 0;
  for (const { vehicle_id } of Object.values(devices)) {
    if (vehicle_id !== undefined && Object.hasOwn(vehicles, vehicle_id)) vehicles[vehicle_id]!.device_count++;
  }
}
