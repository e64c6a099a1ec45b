import type { VoltRecord } from '../../records/record.ts';
import type { PushReport } from './pusher.ts';

/** The `receipt` record of a push or of a verification. `status` is ABRP's HTTP status, or a word when no answer came. */
export function receiptOf(report: PushReport, time: string): VoltRecord {
  const { vin, result, count, status, message, missing, latency } = report;
  return {
    type: 'receipt',
    time,
    sink: 'abrp',
    ok: result === 'ok' || result === 'shown',
    count,
    status: status === undefined ? result : String(status),
    ...(vin === undefined ? {} : { vin }),
    ...(missing ? { missing: missing.join(', ') } : {}),
    ...(message === undefined ? {} : { message }),
    ...(latency === undefined ? {} : { latency_ms: latency }),
  };
}
