import { source } from './common.ts';
import type { RecordFamily } from './family.ts';

/** What a simulator saw or did; it may carry further keys of the event's own. */
export const simulatorEvent = {
  type: 'simulator_event',
  summary: 'what a simulator saw or did; further keys depend on the event',
  open: true,
  keys: [
    source,
    { name: 'event', kind: 'string', summary: 'what happened: stream_connected, stream_refused, …', required: true },
    { name: 'reason', kind: 'string', summary: 'why' },
    { name: 'code', kind: 'integer', summary: 'code of a refusal, as the protocol has it' },
    { name: 'fault', kind: 'string', summary: 'the fault that happened on request' },
    { name: 'status', kind: 'integer', summary: 'HTTP status of the answer' },
  ],
} as const satisfies RecordFamily;
