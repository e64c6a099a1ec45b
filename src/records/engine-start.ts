import { ofDevice } from './common.ts';
import type { RecordFamily } from './family.ts';

/** An engine start as a battery monitor saw it. */
export const engineStart = {
  type: 'engine_start',
  summary: 'an engine start as a battery monitor saw it, told while it was connected; time is its beginning',
  keys: [
    ...ofDevice,
    { name: 'cranking_voltage', kind: 'number', unit: 'V', summary: 'lowest voltage while cranking' },
    { name: 'voltage_before', kind: 'number', unit: 'V', summary: 'voltage before the starter drew current' },
    { name: 'voltage_after', kind: 'number', unit: 'V', summary: 'voltage at the end of the log' },
    { name: 'sample_rate', kind: 'number', unit: 'Hz', summary: 'samples a second' },
    { name: 'voltages', kind: 'array', unit: 'V', summary: 'the voltage, sample by sample, oldest first' },
  ],
} as const satisfies RecordFamily;
