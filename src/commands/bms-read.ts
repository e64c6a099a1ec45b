import { airWire } from '../clients/bms/air-wire.ts';
import { type Bluetooth, createBluetooth } from '../clients/bms/bluetooth.ts';
import { type Device, openDevice, type Target } from '../clients/bms/device.ts';
import { loadDriver } from '../clients/bms/driver.ts';
import { poll } from '../clients/bms/polling.ts';
import { serialWire } from '../clients/bms/serial-wire.ts';
import { tapped } from '../clients/bms/tap.ts';
import type { Codec, CodecOptions, Switches } from '../protocols/bms/codec.ts';
import { codecs, codecsOf } from '../protocols/bms/index.ts';
import type { VoltRecord } from '../records/record.ts';
import { bluetoothAddress } from '../registry/identity.ts';
import { defineCommand } from '../runtime/command.ts';
import type { Context } from '../runtime/context.ts';
import { CommandError, exit, fail } from '../runtime/exit.ts';
import { adapterOptions, bluetoothSection } from './bluetooth-options.ts';
import { airOfFleet } from './bms-read-air.ts';
import { checkFleet, readFleet } from './bms-read-fleet.ts';
import { options } from './bms-read-options.ts';
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
  sections: [
    {
      title: 'TYPES',
      text: codecs.map(({ name, summary }) => `- ${name}: ${summary}`).join('\n'),
    },
    {
      title: 'PORTS',
      text: `--port is a serial device, /dev/ttyUSB0 or better its name in /dev/serial/by-id, or tcp://host:port of a serial server (ser2net, an RS485-to-network adapter, an ESP32 bridge in raw mode). One command at a time has a port; a second one is refused with exit status 75 and the name of the first.

A device that the registry knows by this device_id gets its names there: device_name, vehicle_id, vehicle_name. The device_id is --id, or serial-<by-id name>, or tcp-<host>-<port>, with the number of the board behind it when --board is given.`,
    },
    {
      title: 'ONE BUS, SEVERAL BOARDS',
      text: `Daly boards on one RS485 bus have numbers: --board 2. Only one master may ask on a bus; when another one does, bms-read says so. An adapter that hears its own bytes is no fault.`,
    },
    {
      title: 'A FLEET',
      text: `--registry reads every device that the registry knows and that is set up, each at its own interval, and runs on; --once is one round, which ends with 69 when a device was not read. Devices are added with registry add, or found by a search over Bluetooth, at the start and every twelve hours, and set up with registry set. Changes to the registry and to the configuration are taken up as they are made, another adapter as soon as the present one is free; a file that is broken is said, and everything goes on as before.

Bluetooth devices are read one at a time, first come first served, unless --max-connections says more; packs on several ports are read at the same time, those on one port one after the other. A poll that takes long shifts none after it.

A device that can't be read is tried again as its registry entry says, three times a minute apart unless changed (--backoff 2 doubles the waits); then it is left alone for five minutes, or until a search sees it. A device_status record tells each change: configured, connected, disconnected, error. The registry has it too: configured when nobody reads the device, and after --once what came of the round. While none is reached, /readyz says so. A vehicle_summary follows each round of a vehicle's devices, a system_status comes once a minute.

--watch shows the devices live on the terminal. Where stdout is that terminal, the view takes the place of the records.`,
    },
    {
      title: 'METRICS',
      text: 'voltpipe_bms_polls_total, with --registry: the polls of each device_id by result: read, failed (each try), missed (the one before it took too long, with its tries). A device that is left alone for a while misses none. voltpipe_bms_rejected_total: frames and bytes that were not used, by reason: checksum, cut, length, noise, request (another master asks), echo.',
    },
    {
      title: 'OVER THE AIR',
      text: `--ble ADDRESS reads a device over Bluetooth: BM2, BM6, BM7, JBD and Daly modules. What it is, its address or its beacon tells, or else its services and its answers (a name only says what is asked first); --type saves the second or so that this takes. One host at a time can be connected to such a device: bms-read disconnects after a reading, and with --interval between readings that are more than 15 s apart.

--history asks a BM6, BM7 or BM2 for what it has stored, one value every two minutes, oldest first, as readings with their time. A log that ends before its end mark is given as far as it came, with a warning and exit status 76. A BM6's stored temperatures have no sign: they are temperature_abs.`,
    },
    {
      title: 'ENGINE STARTS',
      text: `A BM6 or BM7 tells by itself when an engine is started: how the voltage went, 100 times a second for some 3.5 s. bms-read puts that out as an engine_start record, whatever it was asked for: beside readings, or behind a --history. Nobody knows how to ask for a start that is over, so whoever wants them all stays connected, with an --interval of up to 15 s; the phone app gets no turn then, and --registry, which hangs up after each reading, sees a start by chance alone. A BM2 tells of none; its --history has the lowest voltage beside each value, as cranking_voltage.

bms-read does not hang up in the middle of such a log, and asks nothing meanwhile. One that is broken off is said and given up.`,
    },
    bluetoothSection,
    {
      title: 'SWITCHES',
      text: `--charge off and --discharge off switch a board's transistors, with --allow-write only. What --discharge off cuts off may be the computer that runs this. The switches are read back: exit status 76 says that the device took the command and did nothing.`,
    },
    {
      title: 'A DRIVER OF YOUR OWN',
      text: `--driver ./mine.mjs loads a codec from a file, an ES module that exports codec. It is data and pure functions: what to ask, how frames lie in the stream of bytes, what they mean. The command does the rest. What the device tells by itself, beside its readings, is codec.pushed: it becomes a record of the type that the codec says. examples/drivers has a whole one; its shape is that of src/protocols/bms/codec.ts.

  codec = {
    name: 'mine', family: 'mine', summary: 'my monitor',
    timing: { response: 500, gap: 20, torn: 200 },
    serial: { baudRate: 9600, dataBits: 8, parity: 'none', stopBits: 1 },
    parser: () => ({ push: (bytes) => ({ frames, rejections }), reset: () => ({ frames, rejections }) }),
    reading: { requests: () => [{ what, bytes, accepts: (frame) => … }], decode: (frames) => ({ fields }) },
  };`,
    },
  ],
  examples: [
    {
      text: 'Find out what is on a port, and read it',
      command: 'bms-read --port /dev/ttyUSB0',
      notRun: 'needs a port',
    },
    {
      text: 'Read a monitor over Bluetooth',
      command: 'bms-read --ble 50:54:7B:00:00:02 | jq -c "[.device_type, .state]"',
      needs: ['bluetooth'],
    },
    {
      text: 'See what a BM6 has stored over the last hour',
      command:
        'bms-read --ble 50:54:7B:00:00:02 --type bm6 --history --pages 1 | tail -n 30 | jq -c "[.time, .voltage]"',
      needs: ['bluetooth'],
    },
    {
      text: 'Be told when a start pulls the voltage of the battery below 9.6 V',
      command:
        "bms-read --ble 50:54:7B:00:00:02 --type bm6 -i 10s | alarm 'engine_start.cranking_voltage<9.6' --only alarm",
      notRun: 'needs a car; the end-to-end tests do it with simulated starts',
    },
    { text: 'Read a JBD board', command: 'bms-read --type jbd --once', needs: ['jbd'] },
    { text: 'See its cells', command: 'bms-read --type jbd --once | jq -c .cells', needs: ['jbd'] },
    {
      text: 'Read it every 10 seconds',
      command: 'bms-read --type jbd --interval 10s',
      needs: ['jbd'],
      interruptAfter: 2,
    },
    { text: 'See versions and error counters', command: 'bms-read --type jbd --info', needs: ['jbd'] },
    {
      text: 'See every byte that passes, for three reads and writes',
      command: 'bms-read --raw -n 3',
      needs: ['jbd'],
    },
    {
      text: 'Read all that the registry knows, each at its own interval, and show it live',
      command: 'bms-read --registry --watch',
      notRun: 'needs devices; the end-to-end tests do it with simulated ones',
    },
    {
      text: 'Read the second Daly board of a bus behind a serial server',
      command: 'bms-read --port tcp://192.168.1.20:4001 --type daly --board 2',
      notRun: 'needs a serial server',
    },
  ],
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
    if (typeof ble === 'string' && bluetoothAddress(ble) === undefined) {
      throw fail('usage', `${ble}: not the address of a Bluetooth device`, 'ble-scan shows addresses.');
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
  const named = opts.driver === undefined ? codecsOf(opts.type) : [await loadDriver(opts.driver)];
  const fitting = named.filter(({ gatt, serial }) => (ble === undefined ? serial : gatt) !== undefined);
  if (fitting.length === 0) {
    if (ble !== undefined) throw fail('usage', `--type ${opts.type}: does not speak Bluetooth`, 'Say --port.');
    throw fail('usage', `--type ${opts.type}: has no serial port`, 'It speaks Bluetooth: --ble ADDRESS.');
  }
  const way =
    ble === undefined
      ? serialWire(port!, opts.board, ctx)
      : { wire: airWire(bluetooth, ble, opts.connectionTimeout, ctx), deviceId: ble.toUpperCase() };
  return {
    wire: way.wire,
    candidates: fitting,
    options: await codecOptions(ctx),
    fallback: fallbackOf(opts),
    retries: opts.retries,
    readTimeout: opts.readTimeout,
    identity: { device_id: opts.id ?? way.deviceId },
  };
}

/** What `--fallback` names, as it speaks on this way: a Daly its A5 dialect on a wire, D2 on the air. */
function fallbackOf({ fallback, ble }: ReadContext['opts']): Codec | undefined {
  if (fallback === undefined) return undefined;
  const fitting = codecsOf(fallback).filter(({ gatt, serial }) => (ble === undefined ? serial : gatt) !== undefined);
  const found = (ble !== undefined && fitting.find(({ name }) => name === 'daly-d2')) || fitting[0];
  if (found) return found;
  throw fail(
    'usage',
    `--fallback ${fallback}: ${ble === undefined ? 'has no serial port' : 'does not speak Bluetooth'}`,
  );
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
      ctx.log.warn([error.message, error.next].filter(Boolean).join('. '));
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
  const listening = listen().then(
    () => shown.end(),
    (error: Error) => (ctx.signal.aborted ? shown.end() : shown.fail(error)),
  );
  yield* shown;
  await listening;
  return exit.ok;
}
