import type { SerialSettings } from '../../protocols/bms/codec.ts';
import { fail } from '../../runtime/exit.ts';
import { parseAddress, serialDeviceId } from '../../transports/serial/address.ts';
import { openSerial, type SerialHost } from '../../transports/serial/open.ts';
import type { Wire } from './probe.ts';

const usual: SerialSettings = { baudRate: 9600, dataBits: 8, parity: 'none', stopBits: 1 };

/**
 * The way to what is connected to a serial port or serial server, and its `device_id`. Opening takes the lock of the port.
 *
 * @param port a path or `tcp://host:port`; throws exit status 64 when it is neither
 */
export function serialWire(
  port: string,
  board: number | undefined,
  host: SerialHost,
): { wire: Wire; deviceId: string } {
  const address = parseAddress(port);
  return {
    deviceId: serialDeviceId(address, board),
    wire: {
      name: address.name,
      kind: ({ serial }) => JSON.stringify(serial ?? usual),
      connect(codec) {
        if (!codec.serial)
          throw fail('usage', `--port: a ${codec.name} has no serial port`, 'It speaks Bluetooth: --ble ADDRESS.');
        return openSerial(address, codec.serial, host);
      },
    },
  };
}
