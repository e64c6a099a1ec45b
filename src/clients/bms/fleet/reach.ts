import type { DeviceStatus } from '../../../registry/device.ts';
import type { FleetHost } from './host.ts';

/** A device that is polled, as readiness and watchdog see it. */
export interface Reached {
  status: DeviceStatus;
  /** Milliseconds from one reading to the next. */
  interval: number;
}

/** One poll may take so long, its turn and its retries included, before the fleet counts as stuck. */
const longestPoll = 15 * 60_000;
/** So many intervals may pass without a reading. */
const patience = 3;

/**
 * Says how a fleet stands after a poll, or when it has no device left. One of whose devices none is reached is not ready, and
 * knows it; as long as one is, the next poll is promised to the watchdog. Nothing is said while those that were tried failed and others
 * were not tried yet.
 *
 * @param why what the last poll failed of
 */
export function tellReach(host: Pick<FleetHost, 'alive' | 'unready'>, devices: readonly Reached[], why?: string): void {
  // There is nothing to prove by a reading.
  if (devices.length === 0) {
    host.alive();
    return;
  }
  const connected = devices.filter(({ status }) => status === 'connected');
  if (connected.length > 0) {
    host.alive(Math.min(...connected.map(({ interval }) => interval)) * patience + longestPoll);
    return;
  }
  if (devices.some(({ status }) => status === 'configured')) return;
  host.unready(devices.length === 1 && why !== undefined ? why : `none of ${devices.length} devices is reached`);
}
