import type { Codec, Gatt } from '../../protocols/bms/codec.ts';
import { candidates, certainFamily, identify } from '../../protocols/bms/identify.ts';
import { inCapitals } from '../../records/bluetooth-address.ts';
import { abortWithin } from '../../runtime/abort-within.ts';
import { fail } from '../../runtime/exit.ts';
import type { Adapter, ConnectLimits } from '../../transports/ble/adapter.ts';
import type { GattChoice, Sighting } from '../../transports/ble/messages.ts';
import { type Link, LinkError } from '../../transports/link.ts';
import { advertisedOf } from './advertised.ts';
import { type Bluetooth, unreachable } from './bluetooth.ts';
import type { BmsHost } from './host.ts';
import type { Wire } from './probe.ts';

/** Once a device is seen, what it still has to say (its name, its reading) comes within this time. */
const settleWithin = 1000;
const lookEvery = 50;
/** Each request while services are looked up and subscribed. */
const step = 5000;

/** The choices as the transport has them. */
const choicesOf = (gatt: readonly Gatt[]): GattChoice[] =>
  gatt.map(({ service, notify, write, writeType }) => ({ service, notify, write, writeType }));

const same = (a: string, b: string): boolean => a.toUpperCase() === b.toUpperCase();

/**
 * The way to a Bluetooth device. Opening takes the adapter and connects; closing lets go of both, so that a phone or another command
 * gets its turn.
 *
 * @param address in any case of letters; on macOS the system's own name for the device
 * @param timeout milliseconds to see the device, and again to connect
 * @param seen what a scan has just seen of it; absent: it is looked for where that matters
 */
export function airWire(bluetooth: Bluetooth, address: string, timeout: number, host: BmsHost, seen?: Sighting): Wire {
  const id = inCapitals(address);
  const limits: ConnectLimits = { find: timeout, connect: timeout, step };

  /** What the device advertises; undefined when it was not seen in time. */
  async function look(adapter: Adapter): Promise<Sighting | undefined> {
    let sighted: Sighting | undefined;
    let lost: Error | undefined;
    const stop = await adapter.scan(
      (sighting) => {
        if (same(sighting.id, id)) sighted = sighting;
      },
      (error) => {
        lost = error;
      },
    );
    const { clock } = host;
    const over = abortWithin(host.signal);
    let late = false;
    const end = (): void => {
      late = true;
    };
    adapter.listened(timeout, over.signal).then(end, end);
    try {
      while (!sighted && !lost && !late) await clock.sleep(lookEvery, host.signal);
      const settled = clock.monotonic() + settleWithin;
      while (sighted && !identify(advertisedOf(sighted)) && clock.monotonic() < settled) {
        await clock.sleep(lookEvery, host.signal);
      }
    } finally {
      over.abort();
      await stop();
    }
    if (!sighted && lost) throw lost;
    return sighted;
  }

  /** Which of the codecs have the service that the device turns out to have. */
  async function byService(adapter: Adapter, codecs: readonly Codec[]): Promise<readonly Codec[]> {
    const all = codecs.flatMap((codec) => (codec.gatt ?? []).map((gatt) => ({ codec, gatt })));
    const link = await adapter.connect(id, choicesOf(all.map(({ gatt }) => gatt)), limits);
    await link.close();
    const { service, notify } = all[link.gatt]!.gatt;
    return codecs.filter(({ gatt }) => gatt?.some((one) => one.service === service && one.notify === notify));
  }

  async function open(codec: Codec): Promise<Link> {
    if (!codec.gatt) throw fail('usage', `--ble: a ${codec.name} does not speak Bluetooth`, 'Say --port.');
    const held = await bluetooth.hold();
    try {
      const link = await held.adapter.connect(id, choicesOf(codec.gatt), limits);
      void link.closed.then(() => held.release());
      const wake = codec.gatt[link.gatt]?.wake;
      if (wake) await link.send(wake).catch(() => {});
      return {
        ...link,
        async close() {
          await link.close();
          await held.release();
        },
      };
    } catch (error) {
      await held.release();
      throw error instanceof LinkError ? unreachable(id, error) : error;
    }
  }

  return {
    name: id,
    kind: ({ gatt }) => JSON.stringify(gatt ?? []),
    connect: open,
    shared: true,
    narrow: (given) =>
      bluetooth.use(async (adapter) => {
        const codecs = given.filter(({ gatt }) => gatt);
        try {
          const sighting = seen ?? (await look(adapter));
          if (!sighting) throw new LinkError({ kind: 'silent', reason: `not seen in ${timeout / 1000} s` });
          const found = advertisedOf(sighting);
          const family = certainFamily(found);
          const likely = candidates(found).map((one) => one.family);
          const sure = codecs.filter((codec) => codec.family === family);
          if (sure.length > 0) return sure;
          const rank = ({ family: of }: Codec): number => (likely.includes(of) ? likely.indexOf(of) : likely.length);
          return (await byService(adapter, codecs)).toSorted((a, b) => rank(a) - rank(b));
        } catch (error) {
          throw error instanceof LinkError ? unreachable(id, error) : error;
        }
      }),
  };
}
