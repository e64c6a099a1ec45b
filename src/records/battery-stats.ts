import { ofDevice } from './common.ts';
import type { RecordFamily } from './family.ts';

const at = (name: string, of: string) => ({ name, kind: 'string', summary: `when ${of} was (RFC 3339)` }) as const;

/** What the readings of one battery come to. */
export const batteryStats = {
  type: 'battery_stats',
  summary: "what the readings of a battery come to since its statistics began; time is the newest reading's",
  keys: [
    ...ofDevice,
    { name: 'count', kind: 'integer', summary: 'readings so far', required: true },
    { name: 'since', kind: 'string', summary: 'time of the first of them (RFC 3339)', required: true },
    { name: 'peak_current', kind: 'number', unit: 'A', summary: 'greatest current, in whichever direction' },
    { name: 'peak_power', kind: 'number', unit: 'W', summary: 'greatest power, in whichever direction' },
    { name: 'peak_charge_current', kind: 'number', unit: 'A', summary: 'greatest current into the battery' },
    at('peak_charge_current_at', 'that'),
    { name: 'peak_discharge_current', kind: 'number', unit: 'A', summary: 'greatest current out of it: negative' },
    at('peak_discharge_current_at', 'that'),
    { name: 'peak_charge_power', kind: 'number', unit: 'W', summary: 'greatest power into the battery' },
    at('peak_charge_power_at', 'that'),
    { name: 'peak_discharge_power', kind: 'number', unit: 'W', summary: 'greatest power out of it: negative' },
    at('peak_discharge_power_at', 'that'),
    { name: 'voltage_min', kind: 'number', unit: 'V', summary: 'lowest voltage' },
    { name: 'voltage_max', kind: 'number', unit: 'V', summary: 'highest voltage' },
    { name: 'soc_min', kind: 'number', unit: '%', summary: 'lowest state of charge' },
    { name: 'soc_max', kind: 'number', unit: '%', summary: 'highest state of charge' },
    { name: 'voltage_avg', kind: 'number', unit: 'V', summary: 'moving average of the voltage' },
    { name: 'current_avg', kind: 'number', unit: 'A', summary: 'moving average of the current' },
    { name: 'power_avg', kind: 'number', unit: 'W', summary: 'moving average of the power' },
    { name: 'temperature_avg', kind: 'number', unit: '°C', summary: 'moving average of the temperature' },
    { name: 'cell_delta', kind: 'number', unit: 'V', summary: 'imbalance now: highest minus lowest cell voltage' },
    { name: 'cell_delta_max', kind: 'number', unit: 'V', summary: 'greatest imbalance' },
    at('cell_delta_max_at', 'that'),
    { name: 'temp_delta', kind: 'number', unit: '°C', summary: 'warmest minus coldest sensor now' },
    { name: 'temp_rate', kind: 'number', unit: '°C/min', summary: 'how fast the sensor changes that changes fastest' },
    { name: 'temp_rates', kind: 'array', unit: '°C/min', summary: 'the same of each sensor, in order' },
    { name: 'charged_ah', kind: 'number', unit: 'Ah', summary: 'charge that went in' },
    { name: 'discharged_ah', kind: 'number', unit: 'Ah', summary: 'charge that came out' },
    { name: 'charged_wh', kind: 'number', unit: 'Wh', summary: 'energy that went in' },
    { name: 'discharged_wh', kind: 'number', unit: 'Wh', summary: 'energy that came out' },
    { name: 'charge_cycles', kind: 'integer', summary: 'times that the battery went down and came up again' },
    { name: 'equivalent_cycles', kind: 'number', summary: 'discharged charge in full capacities' },
  ],
} as const satisfies RecordFamily;
