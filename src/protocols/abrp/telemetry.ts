import type { RecordKey } from '../../records/family.ts';
import type { VoltRecord } from '../../records/record.ts';
import { type TelemetryKey, vehicleTelemetry } from '../../records/vehicle-telemetry.ts';

/**
 * What ABRP takes in a `tlm` object, after Iternio's telemetry API: our names and units are the same on purpose, so a field is a
 * name here. Not ABRP's, hence left out: is_plugged_in, charging_power, remaining_charge_time. kwh_charged was taken off the
 * published list.
 */
export const tlmFields = [
  'utc',
  'soc',
  'power',
  'speed',
  'lat',
  'lon',
  'is_charging',
  'is_dcfc',
  'is_parked',
  'capacity',
  'soe',
  'soh',
  'heading',
  'elevation',
  'ext_temp',
  'batt_temp',
  'voltage',
  'current',
  'odometer',
  'est_battery_range',
  'hvac_power',
  'hvac_setpoint',
  'cabin_temp',
  'tire_pressure_fl',
  'tire_pressure_fr',
  'tire_pressure_rl',
  'tire_pressure_rr',
  'car_model',
] as const satisfies readonly TelemetryKey[];

/** A field of `tlm`. */
type TlmField = (typeof tlmFields)[number];

/** One point of telemetry as ABRP takes it: `utc` in seconds and a state of charge are always there. */
export type Tlm = { readonly [K in TlmField]?: number | boolean | string } & {
  readonly utc: number;
  readonly soc: number;
};

/** A point, or what it lacks to be one. */
export type TlmResult =
  | { readonly tlm: Tlm; readonly lacks?: undefined }
  | { readonly tlm?: undefined; readonly lacks: readonly ('utc' | 'soc')[] };

/** `utc` in seconds lies between 2000 and 2100; milliseconds, or a clock that was never set, lie outside. */
const earliest = 946_684_800;
const latest = 4_102_444_800;

const specs = new Map<string, RecordKey>(vehicleTelemetry.keys.map((key) => [key.name, key]));

/** The value if it can be meant: right kind, finite, within the range of the vocabulary. */
function meant(record: VoltRecord, name: TelemetryKey): number | boolean | string | undefined {
  const value = record[name];
  const spec = specs.get(name);
  if (spec === undefined || typeof value !== spec.kind) return undefined;
  if (typeof value === 'string') return value.trim() === '' ? undefined : value;
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'number' || !Number.isFinite(value)) return undefined;
  const min = name === 'utc' ? earliest : (spec.min ?? -Infinity);
  const max = name === 'utc' ? latest : (spec.max ?? Infinity);
  return value >= min && value <= max ? value : undefined;
}

/**
 * Power out of the battery in kW. While the vehicle charges it is what flows in, negative: a source that knows only its charging
 * power, or whose power still is of the last drive, gets the sign that ABRP asks for.
 */
function powerOf(record: VoltRecord): number | undefined {
  const power = meant(record, 'power') as number | undefined;
  const charging = meant(record, 'charging_power') as number | undefined;
  if (record.is_charging !== true || charging === undefined) return power;
  return power !== undefined && power <= 0 ? power : 0 - charging;
}

/** Latitude and longitude are a pair, and a receiver without a fix says 0, 0. */
function placeless(point: Record<string, unknown>): boolean {
  const { lat, lon } = point;
  return lat === undefined || lon === undefined || (lat === 0 && lon === 0);
}

/**
 * Makes a `tlm` object of a `vehicle_telemetry` record: ABRP's fields only, each with a value that is known. A field is left out
 * rather than sent as null or as a placeholder, which ABRP would take for a measurement.
 */
export function toTlm(record: VoltRecord): TlmResult {
  const point: Record<string, number | boolean | string> = {};
  for (const field of tlmFields) {
    const value = field === 'power' ? powerOf(record) : meant(record, field);
    if (value !== undefined) point[field] = value;
  }
  const lacks = (['utc', 'soc'] as const).filter((field) => point[field] === undefined);
  if (lacks.length > 0) return { lacks };
  if (placeless(point)) {
    delete point.lat;
    delete point.lon;
  }
  // ABRP reads it as the kind of a charge, so without one it says nothing.
  if (point.is_charging !== true) delete point.is_dcfc;
  return { tlm: point as Tlm };
}
