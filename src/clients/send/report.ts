import type { VoltRecord } from '../../records/record.ts';
import type { Delivery } from './courier-model.ts';
import type { Hole } from './queue.ts';

/** The `receipt` of one shipment. */
export function receiptOf({ verdict, count, latency }: Delivery, time: string): VoltRecord {
  return {
    type: 'receipt',
    time,
    sink: 'send',
    ok: verdict.kind === 'delivered',
    count,
    status: verdict.status,
    ...(verdict.message === undefined ? {} : { message: verdict.message }),
    latency_ms: Math.round(latency * 10) / 10,
  };
}

/** The `gap` that the far side gets in the place of records that were dropped. */
export function gapOf({ count, from, to }: Hole, time: string): VoltRecord {
  return {
    type: 'gap',
    time,
    source: 'send',
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    count,
    reason: 'queue full: the far side was away for too long',
  };
}
