import { isBluetoothAddress } from '../records/bluetooth-address.ts';
import type { VoltRecord } from '../records/record.ts';
import { timestamp } from '../runtime/clock.ts';
import type { Context } from '../runtime/context.ts';
import { CommandError, fail, sentence } from '../runtime/exit.ts';
import type { Options } from '../runtime/options.ts';
import { type Air, startAir } from '../simulators/ble/air.ts';
import type { ControllerEvent } from '../simulators/ble/controller.ts';
import { crowd } from '../simulators/ble/crowd.ts';
import { parsePeripheralFault, peripheralFaults } from '../simulators/ble/faults.ts';
import type { Peripheral, PeripheralFaults } from '../simulators/ble/peripheral.ts';
import { readFault, reported } from '../simulators/serving.ts';
import { writeConfig } from '../simulators/write-config.ts';

/** Options of every simulated Bluetooth device. */
export const airOptions = {
  address: { type: 'string', value: 'ADDRESS', summary: 'its Bluetooth address' },
  pty: { type: 'file', value: 'PATH', summary: 'name of the pseudo-terminal (default: one in a folder of its own)' },
  advertisers: {
    type: 'integer',
    min: 0,
    max: 5000,
    default: 0,
    value: 'N',
    summary: 'so many other devices around it',
  },
  fault: { type: 'string', repeatable: true, value: 'KIND[=N]', summary: 'what goes wrong; see FAULTS ON THE AIR' },
  writeConfig: { type: 'file', summary: 'write bluetooth.adapter into this configuration file, beside what is in it' },
} as const satisfies Options;

/** Options of a board that can be on a line or on the air. */
export const boardAirOptions = {
  bluetooth: { type: 'flag', summary: 'on the air instead of on a line: behind a virtual Bluetooth controller' },
  address: airOptions.address,
  advertisers: airOptions.advertisers,
} as const satisfies Options;

/** The manual's section about their faults. */
export const airFaultSection = {
  title: 'FAULTS ON THE AIR',
  text: Object.entries(peripheralFaults)
    .map(([name, { number, summary }]) => `- ${name}${number === undefined ? '' : '=N'}: ${summary}`)
    .join('\n'),
};

/** The manual's section about how commands reach it. */
export const airSection = {
  title: 'THE VIRTUAL CONTROLLER',
  text: `The device is behind a Bluetooth controller that exists in software alone: no radio, no rights, no kernel driver. It speaks HCI on a Unix socket, and socat makes a pseudo-terminal of that; the commands take it as --adapter, as they take any controller behind a serial port. The controller outlives those who use it, as real ones do: what a command leaves on stays on.`,
};

type AirContext = Pick<Context<typeof airOptions>, 'opts' | 'clock' | 'log' | 'queue' | 'signal' | 'alive'>;

/** Checks what the option types can't. */
export function checkAir(opts: Record<string, unknown>): void {
  if (opts['bluetooth'] === false) return;
  readFaults(opts['fault'] as readonly string[]);
  const address = opts['address'];
  if (address !== undefined && !isBluetoothAddress(String(address))) {
    throw fail('usage', `--address ${address}: no Bluetooth address`, 'As in: 50:54:7B:00:00:02');
  }
}

/** The faults of `--fault`, together. */
export function readFaults(texts: readonly string[]): PeripheralFaults {
  const all: PeripheralFaults = {};
  for (const text of texts) Object.assign(all, readFault(text, parsePeripheralFault));
  return all;
}

/** Puts a device into the air until it is told to stop: an `endpoint` record first, then what the controller does. */
export async function* serveAir(
  ctx: AirContext,
  protocol: string,
  peripheral: Peripheral,
): AsyncGenerator<VoltRecord, void, void> {
  const { opts, clock } = ctx;
  const events = ctx.queue({ max: 1000, policy: 'drop-oldest' });
  const air = await putUp(ctx, [peripheral, ...crowd(opts.advertisers)], (event) =>
    events.push(eventRecord(clock.now(), protocol, event)),
  );
  try {
    if (opts.writeConfig !== undefined && air.port !== undefined) {
      await writeConfig(opts.writeConfig, { bluetooth: { adapter: air.port } });
    }
    const endpoint = {
      type: 'endpoint',
      time: timestamp(clock.now()),
      protocol,
      device_id: peripheral.address,
      url: `unix:${air.socket}`,
      ...(air.port !== undefined && { port: air.port }),
    };
    yield* reported(ctx, endpoint, events);
  } finally {
    await air.close();
  }
}

async function putUp(
  { opts, clock, log }: AirContext,
  peripherals: readonly Peripheral[],
  onEvent: (event: ControllerEvent) => void,
): Promise<Air> {
  const set = { peripherals, clock, onEvent };
  try {
    return await startAir({ ...set, port: opts.pty ?? true });
  } catch (error) {
    if (!(error instanceof CommandError) || opts.pty !== undefined) throw error;
    log.warn(sentence(error));
    return startAir(set);
  }
}

const eventRecord = (now: number, protocol: string, { event, address }: ControllerEvent): VoltRecord => ({
  type: 'simulator_event',
  time: timestamp(now),
  source: `simulate ${protocol}`,
  event,
  ...(address !== undefined && { device_id: address }),
});
