import { airWire } from '../clients/bms/air-wire.ts';
import { type Bluetooth, createBluetooth } from '../clients/bms/bluetooth.ts';
import { type Device, openDevice, type Target } from '../clients/bms/device.ts';
import { loadDriver } from '../clients/bms/driver.ts';
import { poll } from '../clients/bms/polling.ts';
import { serialWire } from '../clients/bms/serial-wire.ts';
import { tapped } from '../clients/bms/tap.ts';
import type { Codec, CodecOptions, Switches } from '../protocols/bms/codec.ts';
import { codecsFor, usualFor, type Way } from '../protocols/bms/index.ts';
import type { VoltRecord } from '../records/record.ts';
import { bluetoothAddress } from '../registry/identity.ts';
import { defineCommand } from '../runtime/command.ts';
import type { Context } from '../runtime/context.ts';
import { CommandError, exit, fail, sentence } from '../runtime/exit.ts';
import { adapterOptions } from './bluetooth-options.ts';
import { airOfFleet } from './bms-read-air.ts';
import { readFleet } from './bms-read-fleet.ts';
import { bmsReadExamples, bmsReadSections } from './bms-read-manual.ts';
import { checkFleet, options } from './bms-read-options.ts';
import { withView } from './fleet-view.ts';
import { named } from './named.ts';

type ReadContext = Context<typeof options>;

/** Battery monitors, read. */
export const command = defineCommand({
  name: 'bms-read',
  kind: 'source',
  input: 'none',
  writes: [
    'battery_reading',
    'engine_start',
    'device_info',
    'bms_raw',
    'device_status',
    'vehicle_summary',
    'system_status',
  ],
  format: 'record',
  longRunning: true,
  countable: true,
  summary: 'reads battery monitors and battery management systems',
  description: `Reads a battery monitor: once, or again and again with --interval. What it is, is found out by asking unless --type says it; only questions that change nothing are asked.

A reading whose checksum is wrong is asked for again and never published. A value that the device does not have is absent. The current is positive when charging, whatever the device's own sign; where firmware has it the other way round, --invert-current turns it.`,
  options,
  sections: bmsReadSections,
  examples: bmsReadExamples,
  files: [
    {
      path: '<data dir>/devices.json, vehicles.json',
      text: 'the registry: for --registry, and for the names of a device that it knows',
    },
  ],
  seeAlso: ['simulate-jbd(1)', 'simulate-daly(1)', 'stats(1)', 'alarm(1)', 'registry(1)'],

  rounds: ({ registry }) => registry === true,

  check(opts, _args, given) {
    if (opts['registry']) checkFleet(opts, given);
    if (given.has('port') && given.has('ble')) throw fail('usage', '--port and --ble exclude each other');
    // What the command line says goes before what a file says of the other way.
    if (given.has('port')) opts['ble'] = undefined;
    const { ble } = opts;
    if (typeof ble === 'string') {
      const address = bluetoothAddress(ble);
      if (!address) throw fail('usage', `${ble}: not the address of a Bluetooth device`, 'ble-scan shows addresses.');
      // What macOS has in its place is found as it is spelled.
      if (address.includes(':')) opts['ble'] = address;
    }
    if (given.has('pages') && !opts['history']) throw fail('usage', '--pages goes with --history');
    const jobs = ['info', 'history', 'raw'].filter((name) => opts[name]);
    if (jobs.length > 1) throw fail('usage', `--${jobs.join(' and --')} exclude each other`);
    const switches = opts['charge'] !== undefined || opts['discharge'] !== undefined;
    if (switches && !opts['allowWrite']) {
      throw fail('usage', '--charge and --discharge switch a battery', 'Say --allow-write if you mean it.');
    }
    if (switches && (jobs.length > 0 || opts['interval'] !== undefined)) {
      throw fail('usage', '--charge and --discharge go with no other job');
    }
    if (opts['driver'] !== undefined && opts['type'] !== 'auto') {
      throw fail('usage', '--driver and --type exclude each other');
    }
  },

  async *run(ctx) {
    const bluetooth = createBluetooth(ctx, adapterOptions(ctx.opts));
    const records = ctx.opts.registry
      ? readRegistry(ctx, bluetooth, await ctx.secret('password'))
      : named(ctx, readOne(ctx, bluetooth));
    try {
      return yield* ctx.opts.watch ? withView(ctx, records) : records;
    } finally {
      await bluetooth.close();
    }
  },
});

/** Reads the fleet. What its configuration says anew holds at once: for readings, searches, and for the adapter when it is free. */
function readRegistry(
  ctx: ReadContext,
  bluetooth: Bluetooth,
  password: string | undefined,
): AsyncGenerator<VoltRecord, number, void> {
  let settings = { ...ctx.opts, secret: password };
  return readFleet(ctx, {
    ...airOfFleet(ctx, bluetooth, () => settings),
    how: () => ({ retries: settings.retries, readTimeout: settings.readTimeout, password: settings.secret }),
    onReload: (fn) =>
      ctx.onReload(async (next) => {
        settings = { ...next, secret: await ctx.secret('password') };
        bluetooth.configure(adapterOptions(next));
        await fn(next);
      }),
  });
}

/** Reads one device, as the options say. */
async function* readOne(ctx: ReadContext, bluetooth: Bluetooth): AsyncGenerator<VoltRecord, number, void> {
  const target = await targetOf(ctx, bluetooth);
  const { opts } = ctx;
  if (opts.raw) return yield* raw(ctx, target);
  if (opts.interval !== undefined) {
    yield* poll(target, opts.interval, ctx, (device) => work(ctx, device));
    return exit.ok;
  }
  const pushed: VoltRecord[] = [];
  const device = await openDevice({ ...target, onPushed: (record) => pushed.push(record) }, ctx);
  const outcome: Outcome = { status: exit.ok };
  let failure: Error | undefined;
  try {
    yield* await work(ctx, device, outcome);
    ctx.alive();
  } catch (error) {
    failure = error as Error;
  } finally {
    await device.close();
  }
  yield* pushed;
  if (failure) throw failure;
  return outcome.status;
}

/** What a round comes to beside its records. */
interface Outcome {
  status: number;
}

/** What is asked of a device in one round. */
async function work({ opts, log }: ReadContext, device: Device, outcome?: Outcome): Promise<readonly VoltRecord[]> {
  const change = switchesOf(opts);
  if (change) return [await device.switch(change)];
  if (opts.info) return [await device.info()];
  if (!opts.history) return [await device.read()];
  const { complete, records } = await device.history();
  if (complete) return records;
  log.warn('history: partial: the end did not come', { records: records.length });
  if (outcome) outcome.status = exit.protocol;
  return records;
}

function switchesOf({ charge, discharge }: ReadContext['opts']): Switches | undefined {
  if (charge === undefined && discharge === undefined) return undefined;
  return {
    ...(charge !== undefined && { charge: charge === 'on' }),
    ...(discharge !== undefined && { discharge: discharge === 'on' }),
  };
}

/** Where the device is and what it may be. */
async function targetOf(ctx: ReadContext, bluetooth: Bluetooth): Promise<Target> {
  const { opts } = ctx;
  const { ble, port } = opts;
  if (ble === undefined && port === undefined) {
    throw fail('usage', 'nothing to read', 'Say --ble ADDRESS, --port /dev/ttyUSB0 or --port tcp://host:port.');
  }
  const way = ble === undefined ? 'serial' : 'gatt';
  const candidates = await candidatesOf(opts, way);
  const { wire, deviceId } =
    ble === undefined
      ? serialWire(port!, opts.board, ctx)
      : { wire: airWire(bluetooth, ble, opts.connectionTimeout, ctx), deviceId: ble.toUpperCase() };
  return {
    wire,
    candidates,
    options: await codecOptions(ctx),
    fallback: fallbackOf(opts, way),
    retries: opts.retries,
    readTimeout: opts.readTimeout,
    identity: { device_id: opts.id ?? deviceId },
  };
}

/** Why something is not read on this way, and on which it may be. */
const elsewhere: Readonly<Record<Way, readonly [why: string, next: string]>> = {
  serial: ['has no serial port', 'It speaks Bluetooth: --ble ADDRESS.'],
  gatt: ['does not speak Bluetooth', 'Say --port.'],
};

/** What `--type` or `--driver` names, as far as it speaks on this way. */
async function candidatesOf({ type, driver }: ReadContext['opts'], way: Way): Promise<readonly Codec[]> {
  const loaded = driver === undefined ? undefined : await loadDriver(driver);
  const fitting = loaded ? [loaded].filter((codec) => codec[way]) : codecsFor(type, way);
  if (fitting.length > 0) return fitting;
  const [why, next] = elsewhere[way];
  throw fail('usage', `${loaded ? `--driver ${driver}` : `--type ${type}`}: ${why}`, next);
}

/** What `--fallback` names, as it speaks on this way. */
function fallbackOf({ fallback }: ReadContext['opts'], way: Way): Codec | undefined {
  if (fallback === undefined) return undefined;
  const usual = usualFor(fallback, way);
  if (usual) return usual;
  throw fail('usage', `--fallback ${fallback}: ${elsewhere[way][0]}`);
}

async function codecOptions(ctx: ReadContext): Promise<CodecOptions> {
  const { ble, board, invertCurrent, pages } = ctx.opts;
  const password = await ctx.secret('password');
  return {
    ...(board !== undefined && { board }),
    ...(invertCurrent && { invertCurrent }),
    ...(ble !== undefined && { address: ble.toUpperCase() }),
    ...(pages !== undefined && { pages }),
    ...(password !== undefined && { password }),
  };
}

/** Every byte that passes: first questions, as for a reading, then whatever the device says by itself, until the run is stopped. */
async function* raw(ctx: ReadContext, target: Target): AsyncGenerator<VoltRecord, number, void> {
  const shown = ctx.queue({ max: 10_000, policy: 'drop-oldest' });
  const wire = tapped(target.wire, target.identity.device_id, ctx.clock, (record) => shown.push(record));
  const listen = async (): Promise<void> => {
    const [first] = target.candidates as readonly [Codec, ...Codec[]];
    try {
      const device = await openDevice({ ...target, wire }, ctx);
      await device.read().finally(() => device.close());
    } catch (error) {
      if (ctx.signal.aborted || !(error instanceof CommandError)) throw error;
      if (error.status !== exit.unavailable && error.status !== exit.protocol) throw error;
      ctx.log.warn(sentence(error));
    }
    const link = await wire.connect(first);
    link.onData(() => {});
    ctx.alive();
    const stopped = new Promise<void>((resolve) =>
      ctx.signal.addEventListener('abort', () => resolve(), { once: true }),
    );
    const failure = await Promise.race([link.closed, stopped]);
    await link.close();
    if (failure) throw fail('unavailable', `${link.name}: ${failure.reason}`);
  };
  const listening = shown.endWith(
    listen().catch((error: unknown) => {
      if (!ctx.signal.aborted) throw error;
    }),
  );
  yield* shown;
  await listening;
  return exit.ok;
}
