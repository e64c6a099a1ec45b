import { vehicleId, vehicleName, vin } from './common.ts';
import type { RecordFamily } from './family.ts';

const percent = { unit: '%', min: 0, max: 100 } as const;
const celsius = { unit: '°C', min: -60, max: 120 } as const;
const pressure = { unit: 'kPa', min: 0, max: 1500 } as const;

/** The state of a vehicle in common names and units; what `normalize` makes and `abrp-push` sends. */
export const vehicleTelemetry = {
  type: 'vehicle_telemetry',
  summary: 'the state of a vehicle in common names and units, merged from what was last known of each value',
  keys: [
    vin,
    vehicleId,
    vehicleName,
    {
      name: 'utc',
      kind: 'number',
      unit: 's',
      summary: 'time of the newest value in it, since 1970',
      required: true,
    },
    { name: 'soc', kind: 'number', ...percent, summary: 'measured state of charge' },
    {
      name: 'soc_age_s',
      kind: 'number',
      unit: 's',
      min: 0,
      summary: 'how much older the state of charge is than this record',
    },
    {
      name: 'soc_predicted',
      kind: 'number',
      ...percent,
      summary: "state of charge as the maker's server predicts it; never sent as soc",
    },
    { name: 'target_soc', kind: 'number', ...percent, summary: 'state of charge at which charging is to end' },
    { name: 'is_charging', kind: 'boolean', summary: 'the traction battery is being charged' },
    { name: 'is_dcfc', kind: 'boolean', summary: 'it is being charged with direct current' },
    { name: 'is_plugged_in', kind: 'boolean', summary: 'a charging cable is plugged in' },
    { name: 'is_parked', kind: 'boolean', summary: 'the vehicle is parked' },
    { name: 'is_moving', kind: 'boolean', summary: 'the vehicle moves' },
    {
      name: 'power',
      kind: 'number',
      unit: 'kW',
      min: -1000,
      max: 1000,
      summary: 'power out of the traction battery; negative while it charges',
    },
    { name: 'charging_power', kind: 'number', unit: 'kW', min: 0, max: 1000, summary: 'charging power' },
    {
      name: 'remaining_charge_time',
      kind: 'number',
      unit: 'min',
      min: 0,
      max: 100_000,
      summary: 'time until charging is done',
    },
    { name: 'speed', kind: 'number', unit: 'km/h', min: 0, max: 500, summary: 'speed' },
    { name: 'lat', kind: 'number', unit: '°', min: -90, max: 90, summary: 'latitude' },
    { name: 'lon', kind: 'number', unit: '°', min: -180, max: 180, summary: 'longitude' },
    { name: 'heading', kind: 'number', unit: '°', min: 0, max: 360, summary: 'direction, clockwise from north' },
    { name: 'elevation', kind: 'number', unit: 'm', min: -500, max: 9000, summary: 'height above sea level' },
    { name: 'odometer', kind: 'number', unit: 'km', min: 0, max: 10_000_000, summary: 'distance travelled in all' },
    {
      name: 'est_battery_range',
      kind: 'number',
      unit: 'km',
      min: 0,
      max: 2000,
      summary: 'range that the vehicle expects of its battery',
    },
    {
      name: 'capacity',
      kind: 'number',
      unit: 'kWh',
      min: 0.1,
      max: 2000,
      summary: 'usable capacity of the traction battery',
    },
    { name: 'soe', kind: 'number', unit: 'kWh', min: 0, max: 2000, summary: 'energy in the traction battery' },
    { name: 'soh', kind: 'number', unit: '%', min: 0, max: 150, summary: 'state of health: 100 is as new' },
    {
      name: 'kwh_charged',
      kind: 'number',
      unit: 'kWh',
      min: 0,
      max: 10_000,
      summary: 'energy charged in this session',
    },
    { name: 'voltage', kind: 'number', unit: 'V', min: 0, max: 2000, summary: 'voltage of the traction battery' },
    {
      name: 'current',
      kind: 'number',
      unit: 'A',
      min: -5000,
      max: 5000,
      summary: 'current out of the traction battery; negative while it charges',
    },
    { name: 'batt_temp', kind: 'number', ...celsius, summary: 'temperature of the traction battery' },
    { name: 'ext_temp', kind: 'number', ...celsius, summary: 'temperature outside' },
    { name: 'cabin_temp', kind: 'number', ...celsius, summary: 'temperature in the cabin' },
    { name: 'hvac_power', kind: 'number', unit: 'kW', min: 0, max: 100, summary: 'power of heating and cooling' },
    { name: 'hvac_setpoint', kind: 'number', ...celsius, summary: 'temperature that heating and cooling aim at' },
    { name: 'tire_pressure_fl', kind: 'number', ...pressure, summary: 'tyre pressure, front left' },
    { name: 'tire_pressure_fr', kind: 'number', ...pressure, summary: 'tyre pressure, front right' },
    { name: 'tire_pressure_rl', kind: 'number', ...pressure, summary: 'tyre pressure, rear left' },
    { name: 'tire_pressure_rr', kind: 'number', ...pressure, summary: 'tyre pressure, rear right' },
    {
      name: 'aux_battery_voltage',
      kind: 'number',
      unit: 'V',
      min: 0,
      max: 100,
      summary: 'voltage of the 12 V battery',
    },
    { name: 'aux_battery_soc', kind: 'number', ...percent, summary: 'state of charge of the 12 V battery' },
    { name: 'car_model', kind: 'string', summary: 'type code of A Better Routeplanner' },
    {
      name: 'explain',
      kind: 'object',
      summary: 'with --explain: key → {from, time}, where each value came from and when it was taken',
    },
  ],
} as const satisfies RecordFamily;

/** A key of `vehicle_telemetry`. */
export type TelemetryKey = (typeof vehicleTelemetry.keys)[number]['name'];
