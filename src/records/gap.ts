import { source } from './common.ts';
import type { RecordFamily } from './family.ts';

/** Records were dropped here. */
export const gap = {
  type: 'gap',
  summary: 'records were dropped here, so that nobody takes silence for rest',
  keys: [
    { ...source, required: true },
    { name: 'from', kind: 'string', summary: 'time of the first record dropped (RFC 3339)' },
    { name: 'to', kind: 'string', summary: 'time of the last record dropped (RFC 3339)' },
    { name: 'count', kind: 'integer', summary: 'how many', required: true },
    { name: 'reason', kind: 'string', summary: 'why' },
  ],
} as const satisfies RecordFamily;
