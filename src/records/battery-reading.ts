import { ofDevice } from './common.ts';
import type { RecordFamily } from './family.ts';

/** One reading of a battery monitor or battery management system. */
export const batteryReading = {
  type: 'battery_reading',
  summary: 'one reading of a battery monitor or battery management system',
  keys: [
    ...ofDevice,
    { name: 'voltage', kind: 'number', unit: 'V', summary: 'voltage of the battery' },
    { name: 'current', kind: 'number', unit: 'A', summary: 'current into the battery: + charging, − discharging' },
    { name: 'power', kind: 'number', unit: 'W', summary: 'voltage times current: + charging' },
    { name: 'state_of_charge', kind: 'number', unit: '%', summary: 'state of charge' },
    { name: 'temperature', kind: 'number', unit: '°C', summary: 'temperature; of several sensors the first' },
    {
      name: 'temperatures',
      kind: 'array',
      unit: '°C',
      summary: 'temperature of each sensor, in order; absent unless complete',
    },
    { name: 'temp_min', kind: 'number', unit: '°C', summary: 'lowest of the sensors' },
    { name: 'temp_max', kind: 'number', unit: '°C', summary: 'highest of the sensors' },
    { name: 'temp_mos', kind: 'number', unit: '°C', summary: 'temperature of the power switches' },
    {
      name: 'temperature_abs',
      kind: 'number',
      unit: '°C',
      summary: 'history of a BM6 or BM7: temperature without its sign',
    },
    { name: 'cranking_voltage', kind: 'number', unit: 'V', summary: 'history of a BM2: lowest voltage while cranking' },
    { name: 'cells', kind: 'array', unit: 'V', summary: 'voltage of each cell, in order; absent unless complete' },
    { name: 'cell_count', kind: 'integer', summary: 'number of cells' },
    { name: 'cell_min', kind: 'number', unit: 'V', summary: 'lowest cell voltage' },
    { name: 'cell_max', kind: 'number', unit: 'V', summary: 'highest cell voltage' },
    { name: 'cell_min_number', kind: 'integer', summary: 'number of the lowest cell, from 1' },
    { name: 'cell_max_number', kind: 'integer', summary: 'number of the highest cell, from 1' },
    { name: 'cell_delta', kind: 'number', unit: 'V', summary: 'highest minus lowest cell voltage' },
    { name: 'charge_enabled', kind: 'boolean', summary: 'the charge switch is on' },
    { name: 'discharge_enabled', kind: 'boolean', summary: 'the discharge switch is on' },
    { name: 'balancing', kind: 'array', summary: 'numbers of the cells that are being balanced' },
    { name: 'alarms', kind: 'array', summary: 'names of the active protections' },
    { name: 'alarm_flags', kind: 'integer', summary: 'the protection bits as the device sent them' },
    { name: 'switch_locked', kind: 'boolean', summary: 'a switch is off because somebody switched it off' },
    {
      name: 'state',
      kind: 'string',
      summary:
        'as the device judges: idle, charging, discharging; a 12 V monitor: normal, low, critical, charging, floating',
    },
    { name: 'cycles', kind: 'integer', summary: 'charge cycles so far' },
    { name: 'remaining_ah', kind: 'number', unit: 'Ah', summary: 'charge left' },
    { name: 'nominal_ah', kind: 'number', unit: 'Ah', summary: 'capacity' },
    { name: 'full_ah', kind: 'number', unit: 'Ah', summary: 'capacity when it was last full' },
    { name: 'firmware', kind: 'string', summary: 'firmware version' },
  ],
} as const satisfies RecordFamily;
