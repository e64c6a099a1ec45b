import { vin } from './common.ts';
import type { RecordFamily } from './family.ts';

/** What BMW CarData sent, untouched: the same shape for stream, REST and a mirror broker. */
export const bmwTelematics = {
  type: 'bmw_telematics',
  summary: 'BMW CarData values as BMW sent them, from the stream, the REST interface or a mirror broker',
  keys: [
    vin,
    {
      name: 'via',
      kind: 'string',
      summary: 'the way that it took',
      values: ['stream', 'rest', 'mirror'],
      required: true,
    },
    { name: 'received_at', kind: 'string', summary: 'when it reached us, by our clock (RFC 3339)', required: true },
    { name: 'sent_at', kind: 'string', summary: "BMW's own time stamp of the message" },
    {
      name: 'data',
      kind: 'object',
      summary: 'descriptor → {timestamp, value, unit}, with names, types and spellings as BMW has them',
      required: true,
    },
  ],
} as const satisfies RecordFamily;
