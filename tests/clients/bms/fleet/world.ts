import { type Fleet, startFleet } from '../../../../src/clients/bms/fleet/fleet.ts';
import type { FleetHost, FleetOptions } from '../../../../src/clients/bms/fleet/host.ts';
import type { VoltRecord } from '../../../../src/records/record.ts';
import { addDevice, discover, type Found } from '../../../../src/registry/changes.ts';
import type { RegistryContent } from '../../../../src/registry/content.ts';
import type { Device, DeviceChanges } from '../../../../src/registry/device.ts';
import type { Registry } from '../../../../src/registry/store.ts';
import { timestamp } from '../../../../src/runtime/clock.ts';
import { fail } from '../../../../src/runtime/exit.ts';
import { createLog, createRedactor } from '../../../../src/runtime/logger.ts';
import { type FakeClock, fakeClock } from '../../../support/clock.ts';
import { vocabularyFaults } from '../../../support/vocabulary.ts';

export const second = 1000;
export const minute = 60 * second;
export const hour = 60 * minute;

/** A registry that writes no files. */
function registryInMemory(clock: FakeClock): { registry: Registry; content(): RegistryContent } {
  let content: RegistryContent = { devices: {}, vehicles: {}, lastVehicle: 0 };
  const update: Registry['update'] = async (change) => {
    const draft = structuredClone(content);
    const result = change(draft, timestamp(clock.now()));
    content = draft;
    return result;
  };
  const registry = {
    read: () => structuredClone(content),
    update,
    discoverAll: (found: readonly Found[]) => update((draft, now) => found.map((one) => discover(draft, now, one))),
  } as unknown as Registry;
  return { registry, content: () => content };
}

/** How one device of the world answers. */
export interface Answer {
  /** Milliseconds that a reading takes (default 100). */
  takes?: number;
  /** Why it can't be read; read anew for each try. */
  fault?: string | undefined;
  fields?: Record<string, unknown>;
  /** Milliseconds until a reading that was stopped lets go of the device. */
  lingers?: number;
}

/** A fleet on a clock that a test turns, over devices that answer as the test says. */
export interface World {
  clock: FakeClock;
  registry: Registry;
  content(): RegistryContent;
  records: VoltRecord[];
  log: string[];
  /** Polls by device and result: `id read`. */
  polls: Record<string, number>;
  /** Tries so far: `id second`. */
  tries: string[];
  /** What was said of readiness and proof of life. */
  health: string[];
  /** Devices that were being read at the same time, at most. */
  crowd(): number;
  answers: Record<string, Answer>;
  add(found: Found, fields?: DeviceChanges): Promise<string>;
  scan: { found: Found[]; times: number[] };
  start(options?: Partial<FleetOptions> & { noScan?: boolean }): Fleet;
  stop(): void;
  /** Records of a type. */
  of(type: string): VoltRecord[];
  /** Seconds since the start of a record. */
  at(record: VoltRecord): number;
}

/** Makes a world without devices. */
export function world(): World {
  const clock = fakeClock();
  const origin = clock.now();
  const { registry, content } = registryInMemory(clock);
  const stop = new AbortController();
  const records: VoltRecord[] = [];
  const log: string[] = [];
  const tries: string[] = [];
  const health: string[] = [];
  const polls: Record<string, number> = {};
  const answers: Record<string, Answer> = {};
  const scan: World['scan'] = { found: [], times: [] };
  let busy = 0;
  let crowd = 0;

  const host: FleetHost = {
    clock,
    registry,
    signal: stop.signal,
    log: createLog(
      'bms-read',
      { level: 'debug', format: 'text', journal: false },
      { clock, redactor: createRedactor(), write: (line) => log.push(line.trimEnd()) },
    ),
    async read(_device: Device, identity, signal) {
      const { takes = 100, lingers = 0, fault, fields = { voltage: 12.5 } } = answers[identity.device_id] ?? {};
      tries.push(`${identity.device_id} ${(clock.now() - origin) / second}`);
      crowd = Math.max(crowd, ++busy);
      try {
        await clock.sleep(takes, signal);
        if (fault !== undefined) throw fail('unavailable', fault);
        return { type: 'battery_reading', time: timestamp(clock.now()), ...identity, device_type: 'bm6', ...fields };
      } finally {
        if (signal.aborted && lingers > 0) await clock.sleep(lingers);
        busy--;
      }
    },
    scan: async () => {
      scan.times.push((clock.now() - origin) / second);
      return scan.found;
    },
    put: (record) => records.push(record),
    alive: (within) => void health.push(within === undefined ? 'alive' : `alive for ${within / second} s`),
    unready: (why) => void health.push(why),
    polled(id, result, count) {
      polls[`${id} ${result}`] = (polls[`${id} ${result}`] ?? 0) + count;
    },
  };

  return {
    clock,
    registry,
    content,
    records,
    log,
    polls,
    tries,
    health,
    crowd: () => crowd,
    answers,
    add: (found, fields) => registry.update((draft, now) => addDevice(draft, now, found, fields)),
    scan,
    start({ noScan = false, ...options } = {}) {
      return startFleet(noScan ? { ...host, scan: undefined } : host, {
        once: false,
        maxConnections: 1,
        backoff: 1,
        statusInterval: 0,
        initialScan: false,
        scanInterval: 0,
        ...options,
      });
    },
    stop: () => stop.abort(new DOMException('stopped', 'AbortError')),
    of: (type) => {
      const found = records.filter((record) => record.type === type);
      const faults = found.flatMap(vocabularyFaults);
      if (faults.length > 0) throw new Error(faults.join('\n'));
      return found;
    },
    at: ({ time }) => (Date.parse(time!) - origin) / second,
  };
}
