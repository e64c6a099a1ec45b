import { vin } from './common.ts';
import type { RecordFamily } from './family.ts';

/** A point of telemetry in the form of A Better Routeplanner. */
export const abrpPoint = {
  type: 'abrp_point',
  summary: 'a point as A Better Routeplanner takes it: what `abrp-push --dry-run` would send, or `simulate abrp` got',
  keys: [
    vin,
    { name: 'tlm', kind: 'object', summary: "A Better Routeplanner's fields in its names and units", required: true },
    { name: 'method', kind: 'string', summary: 'the call that brought it', values: ['send', 'bulk'] },
    { name: 'vehicle', kind: 'integer', summary: 'whose token it came with: the number of the token, from 1' },
    { name: 'received_at', kind: 'string', summary: 'when the simulator got it: RFC 3339 in UTC' },
  ],
} as const satisfies RecordFamily;
