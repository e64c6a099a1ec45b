import type { RecordFamily } from './family.ts';

/** The result of one check. */
export const finding = {
  type: 'finding',
  summary: 'the result of one check of an installation or a server',
  keys: [
    { name: 'check', kind: 'string', summary: 'what was checked', required: true },
    { name: 'status', kind: 'string', summary: 'the result', values: ['ok', 'warning', 'error'], required: true },
    { name: 'message', kind: 'string', summary: 'what was found', required: true },
    { name: 'next', kind: 'string', summary: 'what to do about it' },
  ],
} as const satisfies RecordFamily;
