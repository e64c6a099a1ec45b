import { batteryReading } from '../../records/battery-reading.ts';
import { batteryStats } from '../../records/battery-stats.ts';
import { engineStart } from '../../records/engine-start.ts';
import type { RecordKey } from '../../records/family.ts';
import { vehicleSummary } from '../../records/summaries.ts';
import { vehicleTelemetry } from '../../records/vehicle-telemetry.ts';
import { wallboxState } from '../../records/wallbox-state.ts';

/**
 * What Home Assistant shows of one key of a record. Classes and units after its documentation of the MQTT integration: `energy`
 * wants `total` or `total_increasing`, `enum` wants options and no state class, `config` is no category of a sensor.
 */
export interface Entity {
  /** The key of the record; part of the unique id, hence never changed. */
  key: string;
  name: string;
  platform: 'sensor' | 'binary_sensor' | 'device_tracker';
  deviceClass?: string;
  stateClass?: 'measurement' | 'total' | 'total_increasing';
  unit?: string;
  precision?: number;
  category?: 'diagnostic';
  options?: readonly string[];
  icon?: string;
  /** Not shown until the user asks for it. */
  hidden?: true;
  /** Takes the value out of `value_json`; absent: the key itself. */
  template?: string;
  /** The key is a list: an entity for each element, `cell_1`, `cell_2`; `#` in the name is its number. */
  list?: 'cell' | 'temperature';
}

type More = Partial<Omit<Entity, 'key' | 'name'>>;
type Units = ReadonlyMap<string, string>;

const unitsOf = (keys: readonly RecordKey[]): Units =>
  new Map(keys.flatMap(({ name, unit }) => (unit === undefined ? [] : [[name, unit] as const])));

/** A number that is measured; its unit is the vocabulary's. */
const measured =
  (units: Units) =>
  (key: string, name: string, deviceClass?: string, precision?: number, more: More = {}): Entity => {
    const unit = more.unit ?? units.get(key);
    return {
      key,
      name,
      platform: 'sensor',
      ...(deviceClass && { deviceClass }),
      stateClass: 'measurement',
      ...(unit !== undefined && { unit }),
      ...(precision !== undefined && { precision }),
      ...more,
    };
  };

const text = (key: string, name: string, more: More = {}): Entity => ({ key, name, platform: 'sensor', ...more });

/** On or off; where the key is absent, unknown. */
const onOff = (key: string, name: string, deviceClass?: string, more: More = {}): Entity => ({
  key,
  name,
  platform: 'binary_sensor',
  ...(deviceClass && { deviceClass }),
  template: `{{ 'None' if value_json.${key} is not defined else 'ON' if value_json.${key} else 'OFF' }}`,
  ...more,
});

const diagnostic = { category: 'diagnostic' } as const;

const battery = measured(unitsOf(batteryReading.keys));
const stats = measured(unitsOf(batteryStats.keys));
const start = measured(unitsOf(engineStart.keys));
const vehicle = measured(unitsOf(vehicleTelemetry.keys));
const summary = measured(unitsOf(vehicleSummary.keys));
const wallbox = measured(unitsOf(wallboxState.keys));

/** Entities by the type of the record that they are read from. The order is that of the device's page. */
export const entities: Readonly<Record<string, readonly Entity[]>> = {
  battery_reading: [
    battery('voltage', 'Voltage', 'voltage', 2),
    battery('current', 'Current', 'current', 1),
    battery('power', 'Power', 'power', 0),
    battery('state_of_charge', 'State of charge', 'battery', 0),
    battery('temperature', 'Temperature', 'temperature', 1),
    battery('temperatures', 'Temperature #', 'temperature', 1, { list: 'temperature', ...diagnostic }),
    battery('temp_min', 'Lowest temperature', 'temperature', 1, diagnostic),
    battery('temp_max', 'Highest temperature', 'temperature', 1, diagnostic),
    battery('temp_mos', 'Temperature of the switches', 'temperature', 1, diagnostic),
    battery('cells', 'Cell #', 'voltage', 3, { list: 'cell', ...diagnostic }),
    battery('cell_min', 'Lowest cell', 'voltage', 3, diagnostic),
    battery('cell_max', 'Highest cell', 'voltage', 3, diagnostic),
    battery('cell_delta', 'Cell difference', 'voltage', 3, diagnostic),
    text('cell_min_number', 'Number of the lowest cell', { ...diagnostic, hidden: true }),
    text('cell_max_number', 'Number of the highest cell', { ...diagnostic, hidden: true }),
    onOff('charge_enabled', 'Charging allowed', undefined, diagnostic),
    onOff('discharge_enabled', 'Discharging allowed', undefined, diagnostic),
    onOff('alarms', 'Protection', 'problem', {
      template:
        "{{ 'None' if value_json.alarms is not defined else 'ON' if value_json.alarms | length > 0 else 'OFF' }}",
    }),
    battery('remaining_ah', 'Charge left', undefined, 1),
    battery('nominal_ah', 'Capacity', undefined, 0, diagnostic),
    battery('full_ah', 'Capacity when full', undefined, 1, diagnostic),
    text('cycles', 'Cycles', { stateClass: 'total_increasing', ...diagnostic }),
    battery('rssi', 'Signal strength', 'signal_strength', 0, { unit: 'dBm', ...diagnostic, hidden: true }),
  ],
  battery_stats: [
    stats('charged_wh', 'Energy charged', 'energy', 0, { stateClass: 'total_increasing' }),
    stats('discharged_wh', 'Energy discharged', 'energy', 0, { stateClass: 'total_increasing' }),
    stats('charge_cycles', 'Charge cycles', undefined, 0, { stateClass: 'total_increasing', ...diagnostic }),
    stats('equivalent_cycles', 'Full cycles', undefined, 1, { stateClass: 'total_increasing', ...diagnostic }),
    stats('cell_delta_max', 'Greatest cell difference', 'voltage', 3, diagnostic),
  ],
  engine_start: [
    start('cranking_voltage', 'Lowest voltage of the last start', 'voltage', 2),
    start('voltage_before', 'Voltage before the last start', 'voltage', 2, diagnostic),
  ],
  vehicle_telemetry: [
    vehicle('soc', 'State of charge', 'battery', 0),
    vehicle('target_soc', 'Charge target', 'battery', 0, diagnostic),
    onOff('is_charging', 'Charging', 'battery_charging'),
    onOff('is_plugged_in', 'Plugged in', 'plug'),
    onOff('is_moving', 'Moving', 'moving'),
    onOff('is_dcfc', 'Fast charging', undefined, diagnostic),
    vehicle('charging_power', 'Charging power', 'power', 1),
    vehicle('power', 'Power', 'power', 1),
    vehicle('remaining_charge_time', 'Charging time left', 'duration', 0),
    vehicle('est_battery_range', 'Range', 'distance', 0),
    vehicle('odometer', 'Odometer', 'distance', 0, { stateClass: 'total_increasing' }),
    vehicle('speed', 'Speed', 'speed', 0),
    vehicle('kwh_charged', 'Energy charged', 'energy', 1, { stateClass: 'total_increasing' }),
    vehicle('soe', 'Energy in the battery', 'energy_storage', 1),
    vehicle('capacity', 'Capacity', 'energy_storage', 1, diagnostic),
    vehicle('soh', 'State of health', undefined, 0, diagnostic),
    vehicle('voltage', 'Battery voltage', 'voltage', 0, diagnostic),
    vehicle('current', 'Battery current', 'current', 0, diagnostic),
    vehicle('batt_temp', 'Battery temperature', 'temperature', 0),
    vehicle('ext_temp', 'Outside temperature', 'temperature', 0),
    vehicle('cabin_temp', 'Cabin temperature', 'temperature', 0),
    vehicle('tire_pressure_fl', 'Tyre pressure front left', 'pressure', 0, diagnostic),
    vehicle('tire_pressure_fr', 'Tyre pressure front right', 'pressure', 0, diagnostic),
    vehicle('tire_pressure_rl', 'Tyre pressure rear left', 'pressure', 0, diagnostic),
    vehicle('tire_pressure_rr', 'Tyre pressure rear right', 'pressure', 0, diagnostic),
    vehicle('aux_battery_voltage', '12 V battery voltage', 'voltage', 1, diagnostic),
    vehicle('aux_battery_soc', '12 V battery', 'battery', 0, diagnostic),
    { key: 'lat', name: 'Location', platform: 'device_tracker' },
  ],
  vehicle_summary: [
    summary('lowest_voltage', 'Lowest battery voltage', 'voltage', 2),
    summary('lowest_state_of_charge', 'Lowest battery charge', 'battery', 0),
    summary('device_count', 'Battery monitors', undefined, 0, diagnostic),
    text('oldest_reading', 'Oldest reading', { deviceClass: 'timestamp', ...diagnostic }),
  ],
  wallbox_state: [
    text('status', 'Status', { icon: 'mdi:ev-station' }),
    text('state', 'Charging state', {
      deviceClass: 'enum',
      options: ['Idle', 'EVConnected', 'Charging', 'SuspendedEV', 'SuspendedEVSE', 'Ended', 'Unknown'],
    }),
    wallbox('power', 'Power', 'power', 0),
    wallbox('energy_total', 'Energy total', 'energy', 2, { stateClass: 'total_increasing' }),
    wallbox('energy_session', 'Energy session', 'energy', 2, { stateClass: 'total_increasing' }),
    wallbox('current', 'Current', 'current', 1),
    wallbox('voltage', 'Voltage', 'voltage', 0),
    text('connector_status', 'Connector status'),
    text('transaction_id', 'Transaction ID', { icon: 'mdi:identifier', ...diagnostic }),
    text('stopped_reason', 'Stopped reason', diagnostic),
    text('event_type', 'Event type', diagnostic),
    text('trigger_reason', 'Trigger reason', diagnostic),
    text('id_token', 'ID token', diagnostic),
    wallbox('phases_used', 'Phases used', undefined, 0, { icon: 'mdi:sine-wave' }),
    text('sequence_number', 'Sequence number', diagnostic),
    onOff('online', 'Online', 'connectivity', diagnostic),
  ],
  device_status: [
    {
      key: 'status',
      name: 'Connected',
      platform: 'binary_sensor',
      deviceClass: 'connectivity',
      category: 'diagnostic',
      template:
        "{{ 'None' if value_json.status is not defined else 'OFF' if value_json.status in ['disconnected', 'error'] else 'ON' }}",
    },
  ],
};
