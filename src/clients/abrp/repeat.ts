import type { Tlm } from '../../protocols/abrp/telemetry.ts';
import type { VoltRecord } from '../../records/record.ts';

/** A point that may be sent again while nothing newer comes. */
export interface Repeat {
  /** Milliseconds from the last push. */
  after: number;
  tlm: Tlm;
}

/** ABRP processes what it got within 60 s when the first data after that time comes. */
export const settleAfter = 61_000;
/** A parked car is taken as parked that long; then silence says nothing any more. */
const parkedFor = 3_600_000;

/** What flows is of its moment; said again later it would be an invention. */
const momentary = ['power', 'current', 'voltage', 'hvac_power'] as const;

/**
 * What is to be said again when a car falls silent, and when.
 *
 * A car that stands and does not charge is as it was: its last point goes out every `heartbeat`, with the time moved on and
 * without what flows, so that ABRP goes on showing it. In any other state the last point is repeated as it is, once, since ABRP
 * processes it only then.
 *
 * @param silence milliseconds since the record came
 * @param repeated how often it was said again already
 * @param heartbeat milliseconds; 0: nothing is repeated
 */
export function repeatOf(
  last: { record: VoltRecord; tlm: Tlm },
  silence: number,
  repeated: number,
  heartbeat: number,
): Repeat | undefined {
  if (heartbeat <= 0) return undefined;
  const { record, tlm } = last;
  const stands = record.is_charging === false && (record.is_parked === true || record.is_plugged_in === true);
  if (!stands) return repeated === 0 ? { after: settleAfter, tlm } : undefined;
  if (silence + heartbeat > parkedFor) return undefined;
  const lasting: Partial<Record<string, unknown>> = { ...tlm, utc: Math.round(tlm.utc + (silence + heartbeat) / 1000) };
  for (const name of momentary) delete lasting[name];
  return { after: heartbeat, tlm: lasting as Tlm };
}
