import type { VoltRecord } from '../../records/record.ts';
import type { Batch } from './batch.ts';
import type { Delivery } from './delivery.ts';

/** The `receipt` record of one delivery: `count` lines stored when it is `ok`, else tried. */
export function receiptOf({ lines }: Batch, { stored, rejects, stopped, answer }: Delivery, time: string): VoltRecord {
  const message = stopped ?? rejects[0];
  return {
    type: 'receipt',
    time,
    sink: 'influx',
    ok: !stopped && rejects.length === 0,
    count: stopped ? lines : stored,
    status: answer.status === undefined ? 'no answer' : String(answer.status),
    ...(rejects.length > 0 ? { rejected: rejects.length } : {}),
    ...(message ? { message: 'reason' in message ? message.reason : (message as { message: string }).message } : {}),
    latency_ms: answer.latency,
  };
}
