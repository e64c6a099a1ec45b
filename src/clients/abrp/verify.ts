import { timestamp } from '../../runtime/clock.ts';
import type { AbrpApi, TimedAnswer } from './api.ts';

/** What ABRP shows of a vehicle. */
export interface Verification {
  result: 'shown' | 'not shown';
  count: 0;
  status?: number;
  message: string;
  latency: number;
}

const attempts = 3;
const betweenAttempts = 10_000;

/** Charge and time in ABRP's answer, which may be the point itself or hold it. */
function shownPoint(result: unknown): { soc: number; utc?: number } | undefined {
  if (typeof result !== 'object' || result === null) return undefined;
  const { soc, utc, tlm, telemetry } = result as Record<string, unknown>;
  if (typeof soc !== 'number') return shownPoint(tlm ?? telemetry);
  return typeof utc === 'number' ? { soc, utc } : { soc };
}

function judge(answer: TimedAnswer, since: number): Verification {
  const point = answer.verdict === 'ok' ? shownPoint(answer.result) : undefined;
  const isOurs = point !== undefined && (point.utc === undefined || point.utc >= since);
  const facts = {
    count: 0,
    latency: answer.latency,
    ...(answer.status === undefined ? {} : { status: answer.status }),
  } as const;
  if (isOurs) {
    const when = point.utc === undefined ? '' : ` of ${timestamp(point.utc * 1000)}`;
    return { ...facts, result: 'shown', message: `ABRP shows ${point.soc} %${when}` };
  }
  const why = answer.message ?? (point ? 'ABRP still shows an older point' : 'ABRP shows nothing yet');
  return { ...facts, result: 'not shown', message: why };
}

/**
 * Asks ABRP what it holds of a vehicle, up to three times 10 s apart.
 *
 * @param since `utc` of the first point that was sent: an older one is not ours
 */
export async function verifyVehicle(
  api: AbrpApi,
  token: string,
  since: number,
  sleep: (ms: number) => Promise<void>,
): Promise<Verification> {
  for (let left = attempts; ; left--) {
    const found = judge(await api.telemetry(token), since);
    if (found.result === 'shown' || left === 1) return found;
    await sleep(betweenAttempts);
  }
}
