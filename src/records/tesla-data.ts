import { vin } from './common.ts';
import type { RecordFamily } from './family.ts';

/** One payload of Tesla Fleet Telemetry's topic V. */
export const teslaData = {
  type: 'tesla_data',
  summary: "values of a Tesla, with Tesla's own field names",
  keys: [
    { ...vin, required: true },
    { name: 'txid', kind: 'string', summary: 'id of the message, which the car repeats when it sends it again' },
    { name: 'is_resend', kind: 'boolean', summary: 'the car sends it again' },
    { name: 'data', kind: 'object', summary: 'field → value', required: true },
    { name: 'invalid', kind: 'array', summary: 'fields that the car marked invalid' },
  ],
} as const satisfies RecordFamily;
