import type { VoltRecord } from '../../../records/record.ts';
import type { Found } from '../../../registry/changes.ts';
import type { DeviceIdentity } from '../../../registry/content.ts';
import type { Device } from '../../../registry/device.ts';
import type { Registry } from '../../../registry/store.ts';
import type { Clock } from '../../../runtime/clock.ts';
import type { Log } from '../../../runtime/log.ts';

/** What a fleet needs of the world. All time is the clock's. */
export interface FleetHost {
  clock: Clock;
  log: Log;
  signal: AbortSignal;
  registry: Registry;
  /** Reads a device once: a `battery_reading` with this identity. Rejects when it can't. */
  read(device: Device, identity: DeviceIdentity, signal: AbortSignal): Promise<VoltRecord>;
  /** Looks for devices over Bluetooth; absent where there is none. */
  scan?: ((signal: AbortSignal) => Promise<readonly Found[]>) | undefined;
  /** Takes a record; never waits. */
  put(record: VoltRecord): void;
  alive(within?: number): void;
  unready(why: string): void;
  /** `count` polls of a device came to this; 0 when it joins, so that nothing is told from not counted. */
  polled(id: string, result: PollResult, count: number): void;
}

/** What a poll comes to: read, a try that failed, or none at all, since the one before took too long. */
export const pollResults = ['read', 'failed', 'missed'] as const;
export type PollResult = (typeof pollResults)[number];

/** How a fleet runs; times are milliseconds. */
export interface FleetOptions {
  /** One round, then the end. */
  once: boolean;
  /** Bluetooth devices that are read at the same time. A port is read by one at a time whatever this says. */
  maxConnections: number;
  /** Each wait between tries is the last one times this; 1: all alike. */
  backoff: number;
  /** Between two `system_status` records. */
  statusInterval: number;
  /** Look for devices at the start. */
  initialScan: boolean;
  /** From one search for devices to the next; 0: none. */
  scanInterval: number;
}
