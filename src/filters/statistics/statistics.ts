import { identityIn, type VoltRecord } from '../../records/record.ts';
import { formatTime } from '../../records/time.ts';
import { averages } from './averages.ts';
import { cycles } from './cycles.ts';
import { gradient } from './gradient.ts';
import type { Part } from './part.ts';
import { peaks } from './peaks.ts';
import { type Reading, readReading } from './reading.ts';
import { throughput } from './throughput.ts';

/** How statistics are made; times are milliseconds. */
export interface StatisticsOptions {
  /** Readings in a moving average. */
  average: number;
  /** From one record to the next of a device, by the readings' time; 0: with each reading. */
  every: number;
  /** What a temperature's rate is taken over. */
  window: number;
  /** A longer gap between readings counts for no charge and no energy. */
  maxGap: number;
  /** Percentage points that the state of charge must turn by to count as a cycle. */
  swing: number;
  /** The latest time that a reading can have by a clock that is right: one beyond it is not taken. Absent: any. */
  latest?: () => number;
}

/** What outlives a restart: by device, and by part of the statistics. */
export interface StatisticsSnapshot {
  version: 1;
  devices: Record<string, { count: number; since: number; newest: number; parts: Record<string, unknown> }>;
}

interface Device {
  parts: Record<string, Part>;
  list: readonly Part[];
  count: number;
  since: number;
  newest: number;
  /** When the next record is due. */
  due: number;
  last: VoltRecord | undefined;
  cellDelta: number;
  /** Readings came since the last record. */
  fresh: boolean;
}

/** Statistics of all devices of a stream. */
export interface Statistics {
  /** Takes a `battery_reading`. Returns the device's `battery_stats` when one is due. */
  take(record: VoltRecord): VoltRecord | undefined;
  /** Readings that were not taken since they come out of the future, so far. */
  readonly ahead: number;
  /** One record for each device that had readings since its last one. */
  rest(): VoltRecord[];
  save(): StatisticsSnapshot;
  load(snapshot: StatisticsSnapshot): void;
}

/** Makes statistics that begin with nothing. */
export function statistics(options: StatisticsOptions): Statistics {
  const devices = new Map<string, Device>();
  const { latest = () => Number.POSITIVE_INFINITY } = options;
  let possible = Number.NEGATIVE_INFINITY;
  let ahead = 0;

  /** Whether a clock that is right can say so; ours is asked only when it matters. */
  function isPossible(time: number): boolean {
    if (time > possible) possible = latest();
    return time <= possible;
  }

  function deviceOf(id: string): Device {
    const known = devices.get(id);
    if (known) return known;
    const parts = {
      peaks: peaks(),
      averages: averages(options.average),
      gradient: gradient(options.window),
      throughput: throughput(options.maxGap),
      cycles: cycles(options.swing),
    };
    const device: Device = {
      parts,
      list: Object.values(parts),
      count: 0,
      since: Number.NaN,
      newest: Number.NEGATIVE_INFINITY,
      due: Number.NaN,
      last: undefined,
      cellDelta: Number.NaN,
      fresh: false,
    };
    devices.set(id, device);
    return device;
  }

  function report(device: Device): VoltRecord {
    const record: VoltRecord = { type: 'battery_stats', time: formatTime(device.newest) };
    if (device.last) Object.assign(record, identityIn(device.last));
    record.count = device.count;
    record.since = formatTime(device.since);
    if (!Number.isNaN(device.cellDelta)) record.cell_delta = device.cellDelta;
    for (const part of device.list) part.report(record);
    device.fresh = false;
    device.due = device.newest + options.every;
    return record;
  }

  function put(device: Device, reading: Reading, record: VoltRecord): void {
    const { list } = device;
    for (let i = 0; i < list.length; i++) list[i]!.take(reading);
    if (device.count++ === 0) device.since = reading.time;
    if (Number.isNaN(device.due)) device.due = reading.time + options.every;
    device.newest = reading.time;
    device.cellDelta = reading.cellDelta;
    device.last = record;
    device.fresh = true;
  }

  return {
    get ahead() {
      return ahead;
    },
    take(record) {
      const { device_id: id } = record;
      if (typeof id !== 'string') return undefined;
      const reading = readReading(record);
      if (!reading) return undefined;
      if (!isPossible(reading.time)) {
        ahead++;
        return undefined;
      }
      const device = deviceOf(id);
      // A reading that comes late, or a second time, has been lived through already.
      if (reading.time <= device.newest) return undefined;
      put(device, reading, record);
      return reading.time >= device.due ? report(device) : undefined;
    },
    rest: () => [...devices.values()].filter(({ fresh }) => fresh).map(report),
    save: () => ({
      version: 1,
      devices: Object.fromEntries(
        [...devices].map(([id, { count, since, newest, parts }]) => [
          id,
          {
            count,
            since,
            newest,
            parts: Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, part.save()])),
          },
        ]),
      ),
    }),
    load(snapshot) {
      for (const [id, { count, since, newest, parts }] of Object.entries(snapshot.devices)) {
        const device = deviceOf(id);
        device.count = count;
        device.since = since;
        device.newest = newest;
        for (const [name, part] of Object.entries(device.parts)) if (parts[name] !== undefined) part.load(parts[name]);
      }
    },
  };
}
