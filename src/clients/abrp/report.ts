import type { VoltRecord } from '../../records/record.ts';
import type { Push } from './pace.ts';

/** What came of one push, or of a verification, for a receipt and for counters. */
export interface PushReport {
  vin?: string;
  result: 'ok' | 'rejected' | 'refused' | 'failed' | 'shown' | 'not shown';
  /** Points in the push. */
  count: number;
  /** HTTP status, when an answer came. */
  status?: number;
  message?: string;
  missing?: readonly string[];
  latency?: number;
}

/** What a push comes to; '' is a vehicle without a name. */
export function reportOf(vin: string, { answer, points }: Push): PushReport {
  const { verdict, status, message, missing, latency } = answer;
  return {
    ...(vin === '' ? {} : { vin }),
    result: verdict === 'later' ? 'failed' : verdict,
    count: points.length,
    ...(status === undefined ? {} : { status }),
    ...(message === undefined ? {} : { message }),
    ...(missing ? { missing } : {}),
    latency,
  };
}

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
