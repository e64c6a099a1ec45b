import type { RecordFamily } from './family.ts';

/** How a spool is. */
export const spoolStatus = {
  type: 'spool_status',
  summary: 'how a spool is: what waits for delivery and what it takes on disk',
  keys: [
    { name: 'spool', kind: 'string', summary: 'its folder', required: true },
    { name: 'backlog', kind: 'integer', summary: 'records that wait for delivery', min: 0, required: true },
    { name: 'delivered', kind: 'integer', summary: 'number of the last record before which all are delivered', min: 0 },
    { name: 'newest', kind: 'integer', summary: 'number of the newest record', min: 0 },
    { name: 'oldest_time', kind: 'string', summary: 'time of the oldest record that waits (RFC 3339)' },
    { name: 'dropped', kind: 'integer', summary: 'records given up for want of room whose gap record waits', min: 0 },
    { name: 'bytes', kind: 'integer', unit: 'B', summary: 'size of all segments', min: 0 },
    { name: 'segments', kind: 'integer', summary: 'files of the log', min: 0 },
    { name: 'quarantined', kind: 'integer', summary: 'damaged pieces in quarantine/', min: 0 },
  ],
} as const satisfies RecordFamily;
