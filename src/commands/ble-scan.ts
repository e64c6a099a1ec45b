import { advertisedOf } from '../clients/bms/advertised.ts';
import { type Bluetooth, createBluetooth } from '../clients/bms/bluetooth.ts';
import { candidates, identify } from '../protocols/bms/identify.ts';
import type { VoltRecord } from '../records/record.ts';
import { identityOf } from '../registry/content.ts';
import { openRegistry } from '../registry/store.ts';
import { systemOptions } from '../registry/system-options.ts';
import { abortWithin } from '../runtime/abort-within.ts';
import { timestamp } from '../runtime/clock.ts';
import { defineCommand } from '../runtime/command.ts';
import type { Context } from '../runtime/context.ts';
import { CommandError, exit, fail, sentence } from '../runtime/exit.ts';
import type { Options } from '../runtime/options.ts';
import { cannotRead } from '../runtime/text-file.ts';
import type { Sighting } from '../transports/ble/messages.ts';
import { readAll } from './ble-scan-connect.ts';
import { advertisedReading, deviceRecord, sightingOf } from './ble-scan-records.ts';
import { adapterOptions, bluetoothOptions, bluetoothSection } from './bluetooth-options.ts';
import { foundOf } from './bms-read-air.ts';
import { named } from './named.ts';

const options = {
  duration: { ...systemOptions.discovery.scanDuration, configOnly: false, summary: 'how long a scan takes' },
  interval: {
    type: 'duration',
    short: 'i',
    min: 1000,
    value: 'DURATION',
    summary: 'scan again and again, from start to start so far apart; without it: once',
  },
  all: { type: 'flag', summary: 'every Bluetooth device, not battery monitors alone' },
  passive: { type: 'flag', summary: 'also put out the readings that BM2 and BM6 advertise, with no connection' },
  connect: {
    type: 'flag',
    summary: 'then connect to each monitor, and put out its reading and what it says of itself',
  },
  password: { type: 'secret', key: 'bms.password', summary: 'with --connect: password of the Bluetooth module (JBD)' },
  register: { type: 'flag', summary: 'store new monitors in the registry, as discovered' },
  replay: {
    type: 'file',
    summary: 'take the ble_device records of this file (-: stdin) instead of a scan; needs no Bluetooth',
  },
  ...bluetoothOptions,
} as const satisfies Options;

type ScanContext = Context<typeof options>;

const isMonitor = (sighting: Sighting): boolean => candidates(advertisedOf(sighting)).length > 0;

/** Finds battery monitors on the air. */
export const command = defineCommand({
  name: 'ble-scan',
  kind: 'source',
  input: 'optional',
  reads: ['ble_device'],
  writes: ['ble_device', 'battery_reading', 'device_info', 'engine_start', 'device_status'],
  format: 'record',
  longRunning: true,
  countable: true,
  summary: 'finds battery monitors on the air, reads what they advertise, registers them',
  description: `Scans for Bluetooth battery monitors (BM2, BM6, BM7, JBD, Daly) and puts out a ble_device record for each, once a scan.

What a device is, is weighed: an address in an encrypted advertisement, the identifier of its beacon, its name, its maker. A service alone decides nothing, since the families share them; where two types are as likely, candidates names both. A type that rests on a name is a guess: --connect asks the device all the same.

--passive reads voltage, state of charge and state of BM2 and BM6 monitors out of their advertisements: no connection, no battery used, and the app on the phone may go on. Such a reading carries the address of its device encrypted inside; one that does not match is none.

--connect then connects to each monitor that was found, one after the other, and puts out a battery_reading and, where the device has it, a device_info. One that can't be read is said, and the others are read; when none could be, the exit status is 69. The password of JBD modules (bms.password) goes to those alone that the registry has as set up: whoever is asked with it knows it, and anybody can call himself JBD.

--register stores monitors that the registry does not know, in the state discovered and in a vehicle of their own, "Vehicle N", and puts out a device_status for each. Their type is stored where an address or a beacon proves it; else the first reading tells. registry set then sets them up.`,
  options,
  sections: [
    {
      title: 'NAMES FROM THE AIR',
      text: 'Anybody may advertise any name. Control and format characters are taken out and long names cut; a name is a hint and never an identity.',
    },
    bluetoothSection,
  ],
  examples: [
    { text: 'See which monitors are in reach', command: 'ble-scan', needs: ['bluetooth'] },
    {
      text: 'Read the starter battery without connecting',
      command: 'ble-scan --passive --duration 3s | jq -c "select(.type == \\"battery_reading\\") | .voltage"',
      needs: ['bluetooth'],
    },
    {
      text: 'Find all monitors and read them',
      command: 'ble-scan --connect --duration 3s | jq -c "[.type, .voltage]"',
      needs: ['bluetooth'],
    },
    { text: 'Every device, for five seconds', command: 'ble-scan --all --duration 5s', needs: ['bluetooth'] },
    { text: 'Put new monitors into the registry', command: 'ble-scan --register', needs: ['bluetooth'] },
    {
      text: 'Look every 12 hours, as a service',
      command: 'ble-scan -i 12h --register',
      needs: ['bluetooth'],
      interruptAfter: 4,
    },
    {
      text: 'Decode a recorded advertisement, with no Bluetooth at all',
      command: 'ble-scan --replay - --passive | jq -c "[.type, .voltage]"',
      stdin:
        '{"type":"ble_device","time":"2026-03-01T12:00:00.000Z","device_id":"38:3B:26:00:00:01","name":"BM6","manufacturer_data":"c25f02c637493db02a61838d3a581216"}\n',
      stdout: '["ble_device",null]\n["battery_reading",12.53]',
    },
  ],
  seeAlso: ['registry(1)', 'simulate-bm6(1)'],

  check(opts) {
    for (const name of ['interval', 'connect']) {
      if (opts['replay'] !== undefined && opts[name] !== undefined && opts[name] !== false) {
        throw fail('usage', `--replay and --${name} exclude each other`);
      }
    }
  },

  async *run(ctx) {
    const { opts, clock, log, signal } = ctx;
    if (opts.replay !== undefined) return yield* named(ctx, replay(ctx));
    const bluetooth = createBluetooth(ctx, adapterOptions(opts), 0);
    try {
      for (let round = 0; !signal.aborted; round++) {
        const begin = clock.monotonic();
        try {
          yield* named(ctx, scanOnce(ctx, bluetooth));
          log.recovered('scan', 'scan: works again');
          ctx.alive(opts.interval === undefined ? undefined : opts.interval * 2 + opts.duration);
        } catch (error) {
          if (signal.aborted) break;
          if (round === 0 || !(error instanceof CommandError)) throw error;
          log.lost('scan', sentence(error));
          ctx.unready(error.message);
        }
        if (opts.interval === undefined) break;
        await clock.sleep(Math.max(0, begin + opts.interval - clock.monotonic()), signal).catch(() => {});
      }
      return exit.ok;
    } finally {
      await bluetooth.close();
    }
  },
});

/** One scan: monitors as soon as they are known, the rest at its end. */
async function* scanOnce(ctx: ScanContext, bluetooth: Bluetooth): AsyncGenerator<VoltRecord, void, void> {
  const { opts } = ctx;
  const round = createRound(ctx);
  const records = ctx.queue({ max: 10_000, policy: 'drop-oldest' });
  const over = abortWithin(ctx.signal);
  const put = (record: VoltRecord): void => records.push(record);
  const scanning = records.endWith(bluetooth.scan(opts.duration, (sighting) => round.see(sighting, put), over.signal));
  try {
    yield* records;
  } finally {
    over.abort();
    await scanning;
  }
  if (ctx.signal.aborted) return;
  yield* round.rest();
  const others = round.seen.size;
  if (!opts.all && opts.interval === undefined && ![...round.seen.values()].some(isMonitor)) {
    const which = others === 0 ? 'and nothing else' : `of ${others} devices none is known as one (--all shows them)`;
    ctx.log.info(`no battery monitor in reach, ${which}. One that is connected to a phone may keep silent.`);
  }
  yield* register(ctx, round.seen);
  if (!opts.connect) return;
  const password = await ctx.secret('password');
  const devices = password === undefined ? {} : openRegistry(ctx).read().devices;
  // Anybody can call himself JBD, and whoever is asked with the password has it.
  const isOurs = (id: string): boolean => (devices[id]?.status ?? 'discovered') !== 'discovered';
  yield* readAll(ctx, bluetooth, [...round.seen.values()].filter(isMonitor), (id) =>
    isOurs(id) ? password : undefined,
  );
}

/** What a scan has seen, and what of it was put out. */
function createRound({ opts }: ScanContext) {
  const seen = new Map<string, Sighting>();
  const told = new Set<string>();
  const readings = new Map<string, string>();

  const tell = function* (sighting: Sighting): Generator<VoltRecord> {
    if (told.has(sighting.id) || !(opts.all || isMonitor(sighting))) return;
    told.add(sighting.id);
    yield deviceRecord(sighting);
  };
  /** A reading when it is another than before; the charge alone only where the whole reading never came. */
  const reading = function* (sighting: Sighting, final: boolean): Generator<VoltRecord> {
    const record = opts.passive ? advertisedReading(sighting) : undefined;
    if (!record || (!final && record['voltage'] === undefined)) return;
    const { time: _, ...content } = record;
    const text = JSON.stringify(content);
    const last = readings.get(sighting.id);
    if (last === text || (last !== undefined && record['voltage'] === undefined)) return;
    readings.set(sighting.id, text);
    yield record;
  };

  return {
    seen,
    see(sighting: Sighting, put: (record: VoltRecord) => void): void {
      seen.set(sighting.id, sighting);
      // A name may come with the answer to the scan: without it the device waits for the end.
      const isSettled = sighting.name !== undefined && identify(advertisedOf(sighting)) !== undefined;
      if (isSettled) for (const record of tell(sighting)) put(record);
      for (const record of reading(sighting, false)) put(record);
    },
    *rest(): Generator<VoltRecord> {
      for (const sighting of seen.values()) {
        yield* tell(sighting);
        yield* reading(sighting, true);
      }
    },
  };
}

/** Stores the monitors that the registry doesn't know. */
async function* register(
  { opts, dataDir, clock, log }: ScanContext,
  seen: ReadonlyMap<string, Sighting>,
): AsyncGenerator<VoltRecord, void, void> {
  if (!opts.register) return;
  const found = [...seen.values()].flatMap(foundOf);
  if (found.length === 0) return;
  const registry = openRegistry({ dataDir, clock });
  const results = await registry.discoverAll(found);
  const content = registry.read();
  for (const { id } of results.filter(({ isNew }) => isNew)) {
    log.info(`${id}: new, stored as discovered. Set it up: registry set ${id} …`);
    yield { type: 'device_status', time: timestamp(clock.now()), ...identityOf(content, id), status: 'discovered' };
  }
}

/** The records of a file or of stdin in the place of a scan. */
async function* replay(ctx: ScanContext): AsyncGenerator<VoltRecord, number, void> {
  const round = createRound(ctx);
  const queue: VoltRecord[] = [];
  for await (const { record, reject } of replayed(ctx)) {
    const sighting = sightingOf(record);
    if (!sighting) {
      if (record.type === 'ble_device') reject('ble_device without device_id or time');
      continue;
    }
    round.see(sighting, (one) => queue.push(one));
    yield* queue.splice(0);
  }
  yield* round.rest();
  yield* register(ctx, round.seen);
  return exit.ok;
}

/** A record of `--replay`, and what counts its line as bad input. */
interface Replayed {
  record: VoltRecord;
  reject(why: string): void;
}

/** The records of stdin or of a file; lines of a file that are none count as bad input, as those of stdin do. */
async function* replayed(ctx: ScanContext): AsyncGenerator<Replayed, void, void> {
  const file = ctx.opts.replay!;
  if (file === '-') {
    for await (const record of ctx.input) yield { record, reject: ctx.reject };
    return;
  }
  const { readFile } = await import('node:fs/promises');
  const { createParser, longestLine } = await import('../runtime/ndjson.ts');
  const bytes = await readFile(file).catch((error: unknown) => {
    throw fail('io', cannotRead(file, error));
  });
  const refuse = (line: number, why: string): void => ctx.reject(`${file}: ${why}`, line);
  const parser = createParser({ maxLine: longestLine, untyped: false });
  for (const { items, lines, bad } of [parser.push(bytes), parser.end()]) {
    for (const { line, why } of bad) refuse(line, why);
    for (const [n, record] of (items as VoltRecord[]).entries()) {
      yield { record, reject: (why) => refuse(lines[n]!, why) };
    }
  }
}
