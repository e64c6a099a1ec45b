import type { RecordKey } from './family.ts';
import { identityKeys, notARecord, type VoltRecord } from './record.ts';

/** The keys of every record, whatever its family. */
export const commonKeys: readonly RecordKey[] = [
  { name: 'type', kind: 'string', summary: 'the record family', required: true },
  {
    name: 'time',
    kind: 'string',
    summary: 'when it was measured: RFC 3339 in UTC with milliseconds and Z',
    required: true,
  },
];

/** Keys that more than one family has, so that they mean the same everywhere. */
export const vin: RecordKey = { name: 'vin', kind: 'string', summary: 'vehicle identification number', tag: true };
export const deviceId: RecordKey = {
  name: 'device_id',
  kind: 'string',
  summary: 'Bluetooth address, or the name of a serial device',
  tag: true,
};
export const deviceName: RecordKey = {
  name: 'device_name',
  kind: 'string',
  summary: 'friendly name from the registry',
  tag: true,
};
export const deviceType: RecordKey = {
  name: 'device_type',
  kind: 'string',
  summary: 'kind of monitor: bm2, bm6, bm7, daly, jbd',
  tag: true,
};
export const vehicleId: RecordKey = {
  name: 'vehicle_id',
  kind: 'string',
  summary: 'key of the vehicle in the registry',
  tag: true,
};
export const vehicleName: RecordKey = {
  name: 'vehicle_name',
  kind: 'string',
  summary: 'name of the vehicle in the registry',
  tag: true,
};
/** What every record of one battery monitor is about. */
export const ofDevice: readonly RecordKey[] = [
  { ...deviceId, required: true },
  deviceName,
  deviceType,
  vehicleId,
  vehicleName,
];
export const chargePoint: RecordKey = {
  name: 'charge_point',
  kind: 'string',
  summary: 'identity of the charge point, as in its OCPP address',
  tag: true,
};
export const connector: RecordKey = {
  name: 'connector',
  kind: 'integer',
  summary: 'number of the connector, from 1',
  tag: true,
};
export const source: RecordKey = {
  name: 'source',
  kind: 'string',
  summary: 'the command or place that it comes from',
  tag: true,
};

const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/**
 * Checks the keys that all records share: `type`, `time` and the identity keys.
 *
 * @returns what is wrong, a phrase for a message, or undefined. Family keys are not looked at, since additive changes are
 * allowed and an unknown type is no fault.
 */
export function validate(record: unknown): string | undefined {
  const why = notARecord(record, false);
  if (why !== undefined) return why;
  const keys = record as VoltRecord;
  const { type, time } = keys;
  if (type === '') return '"type" is empty';
  if (time !== undefined && (typeof time !== 'string' || !rfc3339.test(time) || Number.isNaN(Date.parse(time)))) {
    return 'time is not RFC 3339 in UTC with milliseconds and Z';
  }
  for (const name of identityKeys) {
    const value = keys[name];
    if (value === undefined) continue;
    if (name === 'connector' ? !Number.isInteger(value) : typeof value !== 'string') {
      return `${name} is not ${name === 'connector' ? 'an integer' : 'a string'}`;
    }
  }
  return undefined;
}
