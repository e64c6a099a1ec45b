import type { VoltRecord } from '../../../records/record.ts';
import type { RegistryContent } from '../../../registry/content.ts';
import { type DeviceStatus, deviceStatuses } from '../../../registry/device.ts';

/** The lowest of the numbers that are there. */
function lowest(values: readonly unknown[]): number | undefined {
  const numbers = values.filter((value): value is number => typeof value === 'number');
  return numbers.length === 0 ? undefined : Math.min(...numbers);
}

/** A `vehicle_summary` of what was last read of the vehicle's devices. */
export function vehicleSummary(
  time: string,
  { devices, vehicles }: RegistryContent,
  vehicle: string,
  readings: ReadonlyMap<string, VoltRecord>,
): VoltRecord {
  const inside = Object.keys(devices).filter((id) => devices[id]!.vehicle_id === vehicle);
  const known = inside.flatMap((id) => readings.get(id) ?? []);
  const voltage = lowest(known.map((reading) => reading.voltage));
  const charge = lowest(known.map((reading) => reading.state_of_charge));
  const oldest = known.map((reading) => reading.time).sort()[0];
  return {
    type: 'vehicle_summary',
    time,
    vehicle_id: vehicle,
    vehicle_name: vehicles[vehicle]?.name ?? vehicle,
    device_count: inside.length,
    ...(voltage !== undefined && { lowest_voltage: voltage }),
    ...(charge !== undefined && { lowest_state_of_charge: charge }),
    ...(oldest !== undefined && { oldest_reading: oldest }),
  };
}

/** A `system_status`: how many devices are in which state. */
export function systemStatus(
  time: string,
  statuses: Iterable<DeviceStatus>,
  uptime: number,
  version: string,
): VoltRecord {
  const counts = new Map<DeviceStatus, number>();
  for (const status of statuses) counts.set(status, (counts.get(status) ?? 0) + 1);
  const devices = Object.fromEntries(
    deviceStatuses.flatMap((status) => (counts.has(status) ? [[status, counts.get(status)]] : [])),
  );
  return { type: 'system_status', time, devices, uptime: Math.round(uptime / 1000), version };
}
