import { vin } from './common.ts';
import type { RecordFamily } from './family.ts';

/** What the far side said to one delivery of a sink. */
export const receipt = {
  type: 'receipt',
  summary: 'what the far side said to one delivery of a sink (with --receipts)',
  keys: [
    { name: 'sink', kind: 'string', summary: 'the command that delivered', required: true },
    { name: 'ok', kind: 'boolean', summary: 'the far side took it', required: true },
    { name: 'count', kind: 'integer', summary: 'records in the delivery', required: true },
    { name: 'rejected', kind: 'integer', summary: 'records of it that the far side will never take' },
    { name: 'status', kind: 'string', summary: 'status of the answer: a number of HTTP, or a word of the protocol' },
    vin,
    { name: 'missing', kind: 'string', summary: 'fields that the far side asks for' },
    { name: 'message', kind: 'string', summary: 'what it said further' },
    { name: 'latency_ms', kind: 'number', unit: 'ms', summary: 'time until the answer' },
  ],
} as const satisfies RecordFamily;
