import type { BmFamily } from '../protocols/bms/bm-cipher.ts';
import type { VoltRecord } from '../records/record.ts';
import { type Clock, timestamp } from '../runtime/clock.ts';
import { defineCommand } from '../runtime/command.ts';
import { fail } from '../runtime/exit.ts';
import type { Options } from '../runtime/options.ts';
import { bmPeripheral, dayOfBattery } from '../simulators/ble/bm.ts';
import { advertisedBlock, type BmValues } from '../simulators/ble/bm-frames.ts';
import { airFaultSection, airOptions, airSection, checkAir, readFaults, serveAir } from './simulate-bluetooth.ts';

const options = {
  ...airOptions,
  name: { type: 'string', value: 'NAME', summary: 'the name that it advertises' },
  voltage: { type: 'number', min: 0, max: 40, summary: 'voltage in V (default: that of a battery over a day)' },
  soc: { type: 'number', min: 0, max: 100, summary: 'state of charge in %' },
  celsius: { type: 'number', min: -50, max: 120, summary: 'temperature in °C; a BM2 has no sensor' },
  stored: {
    type: 'integer',
    min: 0,
    max: 1500,
    default: 720,
    value: 'N',
    summary: 'values in its history, two minutes apart',
  },
  cutHistory: { type: 'flag', summary: 'break the history off in the middle' },
  engineStart: {
    type: 'duration',
    value: 'DURATION',
    summary: 'start the engine when a host has listened for so long (BM6, BM7)',
  },
  crankingVoltage: {
    type: 'number',
    min: 0,
    max: 40,
    default: 9.8,
    value: 'V',
    summary: 'lowest voltage of --engine-start',
  },
  asRecords: {
    type: 'flag',
    summary: 'no Bluetooth: print what a scan would see as ble_device records, for ble-scan --replay -',
  },
  every: { type: 'duration', min: 10, default: 1000, summary: 'with --as-records: time between two advertisements' },
} as const satisfies Options;

interface Chosen {
  voltage?: number | undefined;
  soc?: number | undefined;
  celsius?: number | undefined;
}

/** What the battery does of its own, and what the user wants of it instead. */
const valuesOf =
  ({ voltage, soc, celsius }: Chosen) =>
  (at: number): BmValues => {
    const own = dayOfBattery(at);
    return {
      ...own,
      ...(voltage !== undefined && { voltage, state: voltage > 13.2 ? 'charging' : voltage < 11.8 ? 'low' : 'normal' }),
      ...(soc !== undefined && { charge: Math.round(soc) }),
      ...(celsius !== undefined && { temperature: celsius }),
    };
  };

/** The advertisement as a scan reports it. */
function seen(family: BmFamily, address: string, name: string, values: BmValues, clock: Clock): VoltRecord {
  return {
    type: 'ble_device',
    time: timestamp(clock.now()),
    device_id: address,
    device_type: family,
    name,
    rssi: -60,
    connectable: true,
    manufacturer_data: advertisedBlock(family, address, values).toString('hex'),
  };
}

/** The command `simulate bm2`, `bm6` or `bm7`. */
export function bmCommand(family: BmFamily, product: string) {
  return defineCommand({
    name: `simulate ${family}`,
    kind: 'tool',
    input: 'none',
    writes: ['endpoint', 'simulator_event', 'ble_device'],
    format: 'record',
    longRunning: true,
    summary: `a ${product} battery monitor on the air, for ble-scan and bms-read --ble`,
    description: `Advertises, connects and answers as a ${product} does: its encrypted advertisement, live values, history, and the manners of its Bluetooth link.

The first line on stdout is an endpoint record: port is what --adapter takes, device_id the address for --ble. A simulator_event follows for each scan and connection, so that one sees what a command leaves on. Runs until it is told to stop. Without socat there is no pseudo-terminal, which is said; --as-records needs neither socat nor Bluetooth.`,
    options,
    sections: [airSection, airFaultSection],
    examples: [
      { text: 'A monitor in a virtual air', command: `simulate ${family} --write-config sim.yaml`, interruptAfter: 2 },
      {
        text: 'Its advertisements through the codec, with nothing installed',
        command: `simulate ${family} --as-records --voltage 12.4 --every 100ms --timeout 1s | ble-scan --replay - --passive | jq -c "select(.type == \\"battery_reading\\") | .voltage"`,
        stdout: '12.4',
      },
      {
        text: 'Among 200 other devices, and it hangs up after three notifications',
        command: `simulate ${family} --advertisers 200 --fault hang-up=3`,
        interruptAfter: 2,
      },
    ],
    seeAlso: ['ble-scan(1)'],
    check(opts) {
      checkAir(opts);
      if (family !== 'bm2' || opts['engineStart'] === undefined) return;
      throw fail('usage', '--engine-start: a BM2 tells of none', 'Its --history has the lowest voltages.');
    },
    async *run(ctx) {
      const { opts, clock, signal } = ctx;
      const values = valuesOf(opts);
      const peripheral = bmPeripheral({
        family,
        clock,
        values,
        stored: opts.stored,
        cutHistory: opts.cutHistory,
        crankingVoltage: opts.crankingVoltage,
        ...(opts.engineStart !== undefined && { engineStart: opts.engineStart }),
        faults: readFaults(opts.fault),
        ...(opts.address !== undefined && { address: opts.address.toUpperCase() }),
        ...(opts.name !== undefined && { name: opts.name }),
      });
      if (!opts.asRecords) return yield* serveAir(ctx, family, peripheral);
      while (!signal.aborted) {
        yield seen(family, peripheral.address, opts.name ?? product, values(clock.now()), clock);
        ctx.alive();
        await clock.sleep(opts.every, signal).catch(() => {});
      }
      return undefined;
    },
  });
}
