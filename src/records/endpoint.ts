import type { RecordFamily } from './family.ts';

/** Where a simulator can be reached: its first line on stdout. */
export const endpoint = {
  type: 'endpoint',
  summary: 'where a simulator can be reached, its first line on stdout',
  keys: [
    { name: 'name', kind: 'string', summary: 'which simulator', required: true },
    { name: 'url', kind: 'string', summary: 'its main address' },
    { name: 'urls', kind: 'object', summary: 'all its addresses by what they are for' },
    { name: 'ca', kind: 'string', summary: 'file with the certificate authority to trust' },
  ],
} as const satisfies RecordFamily;
