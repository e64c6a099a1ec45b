import type { VoltRecord } from '../../records/record.ts';

/**
 * Whether a record's state of charge can not be true any more: it was measured longer ago than `limit` (milliseconds, against the
 * record; 0: none is too old), and the car drives or charges. A car that stands keeps its charge, so that any age is good.
 */
export function isOutdated(record: VoltRecord, limit: number): boolean {
  const { soc_age_s: age, is_charging, is_moving, is_parked, speed } = record;
  if (limit <= 0 || typeof age !== 'number' || age * 1000 <= limit) return false;
  return is_charging === true || is_moving === true || is_parked === false || Number(speed) > 0;
}
