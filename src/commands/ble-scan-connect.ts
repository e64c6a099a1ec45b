import { advertisedOf } from '../clients/bms/advertised.ts';
import { airWire } from '../clients/bms/air-wire.ts';
import type { Bluetooth } from '../clients/bms/bluetooth.ts';
import { openDevice } from '../clients/bms/device.ts';
import { certainFamily } from '../protocols/bms/identify.ts';
import { codecsFor } from '../protocols/bms/index.ts';
import type { VoltRecord } from '../records/record.ts';
import type { Context } from '../runtime/context.ts';
import { CommandError, fail, sentence } from '../runtime/exit.ts';
import type { Options } from '../runtime/options.ts';
import type { Sighting } from '../transports/ble/messages.ts';

type ConnectContext = Pick<Context<Options>, 'clock' | 'log' | 'signal'> & { opts: { connectionTimeout: number } };

const connectRetries = 3;

/** Connects to one monitor after the other, the nearest first; `passwordOf` is for JBD modules that are locked. Throws exit status 69 when none of several could be read. */
export async function* readAll(
  ctx: ConnectContext,
  bluetooth: Bluetooth,
  monitors: readonly Sighting[],
  passwordOf: (id: string) => string | undefined = () => undefined,
): AsyncGenerator<VoltRecord, void, void> {
  let failure: CommandError | undefined;
  let isAnyRead = false;
  const near = ({ rssi = -128 }: Sighting): number => rssi;
  for (const sighting of monitors.toSorted((a, b) => near(b) - near(a))) {
    const records: VoltRecord[] = [];
    const error = await readMonitor(ctx, bluetooth, sighting, passwordOf(sighting.id), records).catch(
      (thrown: unknown) => thrown,
    );
    // What it told by itself is told also when it could not be read.
    yield* records;
    if (error === undefined) {
      isAnyRead = true;
      continue;
    }
    if (ctx.signal.aborted || !(error instanceof CommandError)) throw error;
    failure = error;
    ctx.log.warn(sentence(error));
  }
  if (failure && !isAnyRead) throw fail('unavailable', 'no monitor could be read', 'What hindered it is said above.');
}

/** Reads one monitor; `records` gets what comes of it, also before a failure. */
async function readMonitor(
  ctx: ConnectContext,
  bluetooth: Bluetooth,
  sighting: Sighting,
  password: string | undefined,
  records: VoltRecord[],
): Promise<void> {
  const family = certainFamily(advertisedOf(sighting));
  const device = await openDevice(
    {
      wire: airWire(bluetooth, sighting.id, ctx.opts.connectionTimeout, ctx, sighting),
      candidates: codecsFor(family ?? 'auto', 'gatt'),
      options: {
        ...(sighting.address !== undefined && { address: sighting.address }),
        ...(password !== undefined && { password }),
      },
      retries: connectRetries,
      identity: { device_id: sighting.id },
      onPushed: (record) => records.push(record),
    },
    ctx,
  );
  try {
    records.push(await device.read());
    const info = device.codec.info ? device.info() : undefined;
    await info?.then(
      (record) => records.push(record),
      (error: Error) => {
        if (ctx.signal.aborted) throw error;
        ctx.log.info(error.message);
      },
    );
  } finally {
    await device.close();
  }
}
