import type { Codec } from '../../../protocols/bms/codec.ts';
import { codecsOf } from '../../../protocols/bms/index.ts';
import type { VoltRecord } from '../../../records/record.ts';
import type { DeviceIdentity } from '../../../registry/content.ts';
import type { Device } from '../../../registry/device.ts';
import { fail } from '../../../runtime/exit.ts';
import type { SerialHost } from '../../../transports/serial/open.ts';
import { openDevice } from '../device.ts';
import type { BmsHost, Patience } from '../exchange.ts';
import type { Wire } from '../probe.ts';
import { serialWire } from '../serial-wire.ts';
import type { FleetHost } from './host.ts';

/** What reading a registered device takes. */
export interface ReaderHost extends BmsHost, SerialHost {}

/** Gives the way to a Bluetooth device; absent where there is no Bluetooth. */
export type AirWire = (address: string, signal: AbortSignal) => Promise<Wire>;

/**
 * Makes the function that reads a registered device: connects, asks, disconnects, so that a phone gets its turn between two readings.
 * What a device turned out to be is remembered, and nobody is asked twice.
 */
export function registryReader(host: ReaderHost, patience: Patience, air: AirWire | undefined): FleetHost['read'] {
  const known = new Map<string, Codec>();

  async function wireOf(device: Device, signal: AbortSignal): Promise<Wire> {
    const { port, board, mac_address: address } = device;
    if (port !== undefined) return serialWire(port, board, { ...host, signal }).wire;
    if (air && address !== undefined) return air(address, signal);
    throw fail('unavailable', `${address}: there is no Bluetooth here`);
  }

  function candidatesOf(id: string, { device_type: type, port }: Device): readonly Codec[] {
    const one = known.get(id);
    if (one) return [one];
    const named = codecsOf(type?.toLowerCase() ?? 'auto');
    const fitting = named.filter(({ serial, gatt }) => (port === undefined ? gatt : serial) !== undefined);
    if (fitting.length > 0) return fitting;
    throw fail('config', `${id}: no ${type} is known ${port === undefined ? 'over Bluetooth' : 'on a wire'}`);
  }

  return async (device, identity: DeviceIdentity, signal): Promise<VoltRecord> => {
    const { device_id: id } = identity;
    const opened = await openDevice(
      {
        ...patience,
        wire: await wireOf(device, signal),
        candidates: candidatesOf(id, device),
        options: {
          ...(device.board !== undefined && { board: device.board }),
          ...(device.invert_current && { invertCurrent: true }),
        },
        identity,
      },
      { ...host, signal },
    );
    try {
      known.set(id, opened.codec);
      return await opened.read();
    } finally {
      await opened.close();
    }
  };
}
