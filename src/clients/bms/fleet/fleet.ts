import { familyOf } from '../../../protocols/bms/index.ts';
import type { VoltRecord } from '../../../records/record.ts';
import { type DeviceIdentity, identityOf, type RegistryContent } from '../../../registry/content.ts';
import type { Device, DeviceStatus } from '../../../registry/device.ts';
import { abortWithin } from '../../../runtime/abort-within.ts';
import { timestamp } from '../../../runtime/clock.ts';
import { version } from '../../../runtime/version.ts';
import { parseAddress, serialDeviceId } from '../../../transports/serial/address.ts';
import { type DeviceLoop, startLoop } from './device-loop.ts';
import { type FleetHost, type FleetOptions, pollResults } from './host.ts';
import { createLane, type Lane } from './lanes.ts';
import { createMemory } from './memory.ts';
import { tellReach } from './reach.ts';
import { createRounds } from './rounds.ts';
import { systemStatus, vehicleSummary } from './summaries.ts';
import { startTicker } from './ticker.ts';

interface Member {
  loop: DeviceLoop;
  stop: AbortController;
  /** What the loop was started with; another one means another loop. */
  terms: string;
  status: DeviceStatus;
  /** Milliseconds from one reading to the next. */
  interval: number;
}

/** A fleet at work. */
export interface Fleet {
  /** Takes up what the registry says now. Throws what is wrong with its files; everything then goes on as before. */
  reload(): void;
  /** Takes up other options, but for `once` and `initialScan`, which are over. */
  configure(options: FleetOptions): void;
  /** How many devices are polled. */
  readonly size: number;
  /** Resolves at the end: `true` when every device was read in its last round. */
  readonly done: Promise<boolean>;
}

/** What decides how a device is polled; a new vehicle is none of it. */
const terms = [
  'mac_address',
  'port',
  'board',
  'device_type',
  'invert_current',
  'polling_interval',
  'connection_config',
  'friendly_name',
] as const satisfies readonly (keyof Device)[];

const termsOf = (device: Device): string => JSON.stringify(terms.map((key) => device[key]));

/**
 * Polls every device of the registry that is set up, each at its own pace, until the host's signal aborts (or, with `once`, for one
 * round).
 *
 * Bluetooth devices share `maxConnections`; what is on one port is read one after the other. Puts out readings, a `device_status` for
 * each device at the start and with each change, a `vehicle_summary` when nothing of a vehicle is waited for any longer, and
 * `system_status` at intervals. Changes of status are kept in the registry.
 *
 * @throws what is wrong with the registry at the start
 */
export function startFleet(host: FleetHost, given: FleetOptions): Fleet {
  const { clock, log, registry, signal } = host;
  const memory = createMemory(registry, log);
  const rounds = createRounds();
  const members = new Map<string, Member>();
  /** Loops that were stopped, until they have let go of their device: one connection at a time. */
  const ending = new Map<string, Promise<unknown>>();
  const readings = new Map<string, VoltRecord>();
  const ports = new Map<string, Lane>();
  const options = { ...given };
  const air = createLane(options.maxConnections);
  const started = clock.monotonic();
  let content: RegistryContent = { devices: {}, vehicles: {}, lastVehicle: 0 };
  let fail: (error: Error) => void = () => {};
  const failure = new Promise<never>((_, reject) => {
    fail = reject;
  });

  const now = (): string => timestamp(clock.now());

  function laneOf({ port }: Device): Lane {
    if (port === undefined) return air;
    // A port has several names; all of them mean one lane.
    const place = serialDeviceId(parseAddress(port));
    const lane = ports.get(place) ?? createLane(1);
    ports.set(place, lane);
    return lane;
  }

  /** As its readings have it: a registry may say which dialect of a family it speaks. */
  function identity(id: string): DeviceIdentity {
    const { device_type: type, ...rest } = identityOf(content, id);
    return type === undefined ? rest : { ...rest, device_type: familyOf(type) };
  }

  const putStatus = (id: string, status: DeviceStatus, reason?: string): void =>
    host.put({ type: 'device_status', time: now(), ...identity(id), status, ...(reason && { reason }) });

  const reached = (why?: string): void => tellReach(host, [...members.values()], why);

  async function tell(id: string, status: DeviceStatus, reason?: string): Promise<void> {
    const member = members.get(id);
    if (!member) return;
    const isSame = member.status === status;
    member.status = status;
    reached(reason);
    if (isSame) return;
    putStatus(id, status, reason);
    await memory.status([id], status);
  }

  async function read(id: string, until: AbortSignal): Promise<void> {
    const device = content.devices[id]!;
    const vehicle = device.vehicle_id;
    rounds.begin(vehicle);
    try {
      const got = await laneOf(device).use(() => host.read(device, identity(id), until), until);
      readings.set(id, got);
      host.put(got);
      host.polled(id, 'read', 1);
      const { device_type: type } = got;
      if (typeof type !== 'string' || device.device_type !== undefined) return;
      device.device_type = type.toUpperCase();
      // What the fleet finds out by itself is no reason to begin anew.
      const member = members.get(id);
      if (member) member.terms = termsOf(device);
      await memory.type(id, device.device_type);
    } catch (error) {
      if (!until.aborted) host.polled(id, 'failed', 1);
      throw error;
    } finally {
      rounds.end(vehicle);
    }
  }

  function rested(id: string): void {
    const vehicle = content.devices[id]?.vehicle_id;
    if (vehicle === undefined || !content.vehicles[vehicle] || !rounds.isOver(vehicle)) return;
    host.put(vehicleSummary(now(), content, vehicle, readings));
  }

  function join(id: string, device: Device): void {
    const stop = abortWithin(signal);
    for (const result of pollResults) host.polled(id, result, 0);
    const loop = startLoop(
      device,
      {
        clock,
        log,
        read: (until) => read(id, until),
        tell: (status, reason) => tell(id, status, reason),
        rested: () => rested(id),
        missed(polls, isSlow) {
          const { friendly_name: name } = device;
          if (polls > 0) host.polled(id, 'missed', polls);
          if (polls === 0) log.recovered(`pace of ${id}`, `${name}: is read in time again`);
          else if (isSlow)
            log.lost(`pace of ${id}`, `${name}: reading takes longer than its interval, polls are missed`);
          else log.info(`${name}: ${polls} polls were missed while it was not reached`);
        },
      },
      stop.signal,
      options,
      ending.get(id),
    );
    loop.done.catch(fail);
    const interval = device.polling_interval * 1000;
    members.set(id, { loop, stop, terms: termsOf(device), status: device.status, interval });
  }

  function leave(id: string, { stop, loop }: Member): void {
    stop.abort();
    members.delete(id);
    const gone: Promise<unknown> = loop.done
      .catch(() => {})
      .then(() => {
        if (ending.get(id) === gone) ending.delete(id);
      });
    ending.set(id, gone);
  }

  /** Starts, restarts and stops loops so that they are those of the registry. */
  function take(next: RegistryContent): void {
    const before = content;
    content = next;
    for (const [id, member] of members) {
      const device = next.devices[id];
      if (device && device.status !== 'discovered' && member.terms === termsOf(device)) continue;
      leave(id, member);
      if (!device) readings.delete(id);
    }
    const fresh: string[] = [];
    for (const [id, device] of Object.entries(next.devices)) {
      if (members.has(id)) continue;
      const isFresh = !before.devices[id] && !['discovered', 'configured'].includes(device.status);
      if (isFresh) {
        device.status = 'configured';
        fresh.push(id);
      }
      if (before.devices[id]?.status !== device.status) putStatus(id, device.status);
      if (device.status !== 'discovered') join(id, device);
    }
    // What came of it in an earlier run says nothing of now.
    if (fresh.length > 0) void memory.status(fresh, 'configured');
    if (members.size === 0) reached();
  }

  async function discover(): Promise<void> {
    if (!host.scan) return;
    try {
      const found = await air.use(() => host.scan!(signal), signal);
      const results = await registry.discoverAll(found);
      log.recovered('scan', 'search for devices: works again');
      for (const { id, isNew } of results) {
        if (isNew) log.info(`${id}: found, awaits its set-up with registry set`);
        else members.get(id)?.loop.seen();
      }
      if (results.some(({ isNew }) => isNew)) take(registry.read());
    } catch (error) {
      if (signal.aborted) return;
      const why = `search for devices: ${(error as Error).message}`;
      // Who has packs on wires alone may have no Bluetooth at all.
      if (Object.values(content.devices).some(({ port }) => port === undefined)) log.lost('scan', why);
      else log.info(why);
    }
  }

  function putSystem(): void {
    const statuses = Object.entries(content.devices).map(([id, { status }]) => members.get(id)?.status ?? status);
    host.put(systemStatus(now(), statuses, clock.monotonic() - started, version));
  }

  const settled = (): Promise<boolean[]> => Promise.all([...members.values()].map(({ loop }) => loop.done));

  async function run(): Promise<boolean> {
    // The devices take their turns first: what is known is worth more than a search.
    await Promise.resolve();
    if (options.once) {
      if (options.initialScan) await discover();
      const results = await settled();
      putSystem();
      return results.every(Boolean);
    }
    if (options.initialScan) void discover();
    // Both end with the signal.
    await Promise.all([status.done, search.done]);
    await settled();
    // Nobody reads them any longer.
    await memory.status([...members.keys()], 'configured');
    return true;
  }

  take(registry.read());
  const status = startTicker(clock, signal, options.once ? 0 : options.statusInterval, putSystem);
  const search = startTicker(clock, signal, options.once ? 0 : options.scanInterval, discover);
  return {
    reload: () => take(registry.read()),
    configure(next) {
      Object.assign(options, next, { once: options.once });
      air.resize(next.maxConnections);
      status.change(next.statusInterval);
      search.change(next.scanInterval);
    },
    get size() {
      return members.size;
    },
    done: Promise.race([run(), failure]),
  };
}
