import type { Codec, CodecOptions } from '../../../protocols/bms/codec.ts';
import { codecsFor } from '../../../protocols/bms/index.ts';
import type { VoltRecord } from '../../../records/record.ts';
import type { DeviceIdentity } from '../../../registry/content.ts';
import type { Device } from '../../../registry/device.ts';
import { fail } from '../../../runtime/exit.ts';
import type { SerialHost } from '../../../transports/serial/open.ts';
import { openDevice, type Target } from '../device.ts';
import type { Patience } from '../exchange.ts';
import { type BmsHost, hostOf } from '../host.ts';
import { createOptionalPages, type OptionalPages } from '../optional-pages.ts';
import type { Wire } from '../probe.ts';
import { createSaid, type Said } from '../said.ts';
import { serialWire } from '../serial-wire.ts';
import type { FleetHost } from './host.ts';

/** What reading a registered device takes. */
export interface ReaderHost extends BmsHost, SerialHost {}

/** Gives the way to a Bluetooth device; absent where there is no Bluetooth. */
export type AirWire = (address: string, signal: AbortSignal) => Promise<Wire>;

/** How devices are asked; `password` is what a JBD module that is locked gets. */
export interface ReaderMeans extends Patience {
  password?: string | undefined;
  /** Takes what a device tells by itself while it is read. */
  onPushed?: (record: VoltRecord) => void;
}

/** What a device turned out to be, and what the registry said of it then. */
interface Known extends Pick<Target, 'candidates' | 'options' | 'isKnown'> {
  terms: string;
}

/** What is kept of a device as long as it is in its place, whatever fails. */
interface Kept {
  place: string;
  said: Said;
  optionalPages: OptionalPages;
}

/**
 * Makes the function that reads a registered device: connects, asks, disconnects, so that a phone gets its turn between two readings.
 * What a device turned out to be is remembered with its first reading and nobody is asked twice, until it fails or the registry says
 * something else of it. Then all is asked for anew, but what it has once answered it is known to have.
 *
 * @param means those of the moment, asked for at each reading
 */
export function registryReader(
  host: ReaderHost,
  means: () => ReaderMeans,
  air: AirWire | undefined,
): FleetHost['read'] {
  const known = new Map<string, Known>();
  const kept = new Map<string, Kept>();

  function keptOf(id: string, { port, board, mac_address }: Device): Kept {
    const place = JSON.stringify([port, board, mac_address]);
    const before = kept.get(id);
    if (before?.place === place) return before;
    const anew = { place, said: createSaid(host.log), optionalPages: createOptionalPages() };
    kept.set(id, anew);
    return anew;
  }

  async function wireOf(device: Device, signal: AbortSignal): Promise<Wire> {
    const { port, board, mac_address: address } = device;
    if (port !== undefined) return serialWire(port, board, { clock: host.clock, lock: host.lock, signal }).wire;
    if (air && address !== undefined) return air(address, signal);
    throw fail('unavailable', `${address}: there is no Bluetooth here`);
  }

  function candidatesOf(id: string, { device_type: type, port }: Device): readonly Codec[] {
    const fitting = codecsFor(type?.toLowerCase() ?? 'auto', port === undefined ? 'gatt' : 'serial');
    if (fitting.length > 0) return fitting;
    throw fail('config', `${id}: no ${type} is known ${port === undefined ? 'over Bluetooth' : 'on a wire'}`);
  }

  const optionsOf = (
    { board, invert_current, mac_address: address }: Device,
    password: string | undefined,
  ): CodecOptions => ({
    ...(board !== undefined && { board }),
    ...(invert_current && { invertCurrent: true }),
    ...(address !== undefined && { address }),
    ...(password !== undefined && { password }),
  });

  return async (device, identity: DeviceIdentity, signal): Promise<VoltRecord> => {
    const { device_id: id } = identity;
    const { retries, readTimeout, password, onPushed } = means();
    const before = known.get(id);
    const isSame = before?.terms === termsOf(device, device.device_type, password);
    const {
      candidates,
      options,
      isKnown = false,
    } = isSame ? before : { candidates: candidatesOf(id, device), options: optionsOf(device, password) };
    const { said, optionalPages } = keptOf(id, device);
    // What comes back may know more than what went.
    if (!isSame) optionalPages.anew();
    const wire = await wireOf(device, signal);
    const target = {
      retries,
      readTimeout,
      wire,
      candidates,
      options,
      isKnown,
      optionalPages,
      identity,
      ...(onPushed && { onPushed }),
    };
    known.delete(id);
    const opened = await openDevice(target, hostOf(host, { signal, said }));
    try {
      const reading = await opened.read();
      const { codec } = opened;
      // The fleet writes the family into the registry where no type stood.
      const terms = termsOf(device, device.device_type ?? codec.family, password);
      known.set(id, { terms, candidates: [codec], options: opened.options, isKnown: true });
      return reading;
    } finally {
      await opened.close();
    }
  };
}

/** What decides how a device is asked, as one text. */
const termsOf = (
  { port, board, mac_address, invert_current }: Device,
  type: string | undefined,
  password: string | undefined,
): string => JSON.stringify([type?.toUpperCase(), port, board, mac_address, invert_current, password]);
