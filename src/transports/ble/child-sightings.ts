import { isBluetoothAddress } from '../../records/bluetooth-address.ts';
import type { Peripheral } from './child-noble.ts';
import type { Sighting } from './messages.ts';

/** An unchanged device is told again after so many milliseconds, for its signal strength and for the proof that it is there. */
const repeatAfter = 500;
const beacon = '4c000215';

/** What `ble_device` and `--ble` call a device. */
export function idOf({ address, id }: Peripheral): { id: string; address?: string } {
  if (!isBluetoothAddress(address)) return { id };
  const upper = address.toUpperCase();
  return { id: upper, address: upper };
}

interface Known {
  sighting: Sighting;
  beacon?: string;
  other?: string;
  services: Set<string>;
  told: string;
  toldAt: number;
}

/**
 * Merges what a device says in its several advertisements, and returns the whole when it is worth telling: something is new, or
 * time has passed. A manufacturer record takes the place of the one before, so that no old reading is ever told again as a new one.
 */
export function sightings(): (peripheral: Peripheral, now: number) => Sighting | undefined {
  const known = new Map<string, Known>();
  return (peripheral, now) => {
    const { advertisement, rssi, connectable } = peripheral;
    const identity = idOf(peripheral);
    let device = known.get(identity.id);
    if (!device) {
      const sighting = { ...identity, rssi, services: [], manufacturerData: [], connectable, at: now };
      device = { sighting, services: new Set(), told: '', toldAt: 0 };
      known.set(identity.id, device);
    }
    for (const uuid of advertisement.serviceUuids ?? []) device.services.add(uuid.toLowerCase());
    const record = advertisement.manufacturerData?.toString('hex');
    if (record?.startsWith(beacon)) device.beacon = record;
    else if (record) device.other = record;
    const name = advertisement.localName || device.sighting.name;
    device.sighting = {
      ...identity,
      ...(name !== undefined && { name }),
      rssi,
      services: [...device.services],
      manufacturerData: [device.beacon, device.other].filter((one) => one !== undefined),
      connectable,
      at: now,
    };
    const content = JSON.stringify({ ...device.sighting, rssi: 0, at: 0 });
    if (content === device.told && now - device.toldAt < repeatAfter) return undefined;
    device.told = content;
    device.toldAt = now;
    return device.sighting;
  };
}
