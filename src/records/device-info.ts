import { deviceId, ofDevice } from './common.ts';
import type { RecordFamily } from './family.ts';

/** What a battery monitor says about itself. */
export const deviceInfo = {
  type: 'device_info',
  summary: 'what a battery monitor says about itself: versions, hardware, counters',
  keys: [
    ...ofDevice,
    { name: 'firmware', kind: 'string', summary: 'firmware version' },
    { name: 'hardware', kind: 'string', summary: 'hardware name or version' },
    { name: 'version_raw', kind: 'string', summary: 'version bytes whose meaning nobody knows, hexadecimal' },
    { name: 'manufactured', kind: 'string', summary: 'date of manufacture, or of the firmware' },
    { name: 'nominal_ah', kind: 'number', unit: 'Ah', summary: 'rated capacity' },
    { name: 'battery_code', kind: 'string', summary: 'code that somebody gave the battery' },
    { name: 'error_counts', kind: 'object', summary: 'how often each protection has acted' },
  ],
} as const satisfies RecordFamily;

/** Bytes to or from a battery monitor, as they are. */
export const bmsRaw = {
  type: 'bms_raw',
  summary: 'bytes to or from a battery monitor, as they are',
  keys: [
    { ...deviceId, required: true },
    {
      name: 'direction',
      kind: 'string',
      summary: 'whose bytes they are',
      values: ['sent', 'received'],
      required: true,
    },
    {
      name: 'bytes',
      kind: 'string',
      summary: 'one write, one read or one notification, hexadecimal; ** a byte of a password',
      required: true,
    },
  ],
} as const satisfies RecordFamily;
