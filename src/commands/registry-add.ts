import { typeNames } from '../protocols/bms/index.ts';
import { addDevice, type Found } from '../registry/changes.ts';
import { bluetoothAddress } from '../registry/identity.ts';
import { defineCommand } from '../runtime/command.ts';
import { fail } from '../runtime/exit.ts';
import type { Options } from '../runtime/options.ts';
import { parseAddress, serialDeviceId } from '../transports/serial/address.ts';
import { deviceRecord, registryOf } from './registry-records.ts';

const options = {
  type: {
    type: 'choice',
    choices: typeNames,
    summary: 'kind of monitor; found out at the first reading unless given',
  },
  name: { type: 'string', value: 'NAME', summary: 'friendly name' },
  vehicle: { type: 'string', value: 'VEHICLE', summary: 'id or name of its vehicle; a new one is made unless given' },
  interval: {
    type: 'duration',
    short: 'i',
    min: 1000,
    default: 3_600_000,
    summary: 'time from one reading to the next',
  },
  board: { type: 'integer', min: 1, max: 15, summary: 'address of the pack on a shared bus' },
  id: { type: 'string', value: 'ID', summary: 'id of a pack, instead of the one that follows from its port' },
  invertCurrent: { type: 'flag', summary: 'the pack counts a discharge as positive' },
} as const satisfies Options;

/** Registers a monitor by hand. */
export const command = defineCommand({
  name: 'registry add',
  kind: 'tool',
  input: 'none',
  writes: ['device'],
  format: 'record',
  summary: 'registers a battery monitor, on the air or on a wire',
  description: `Bluetooth monitors are named by their address, packs on a wire by their port: a serial device or tcp://host:port. Name a serial device by /dev/serial/by-id/…, since /dev/ttyUSB0 may be another one after the next start.

The monitor gets a vehicle of its own, "Vehicle N", unless it is put into one that is there. It is set up at once: bms-read --registry polls it from now on, without a restart.`,
  arguments: [{ name: 'address', summary: 'Bluetooth address, serial device or tcp://host:port', required: true }],
  options,
  examples: [
    { text: 'A BM6', command: 'registry add 50:54:7B:00:00:04 --type bm6 --name "Starter battery"' },
    {
      text: 'The second pack on an RS485 bus behind a serial server, read every ten seconds',
      command: 'registry add tcp://192.168.1.20:8899 --board 2 --type daly -i 10s | jq -r .device_id',
      stdout: 'tcp-192_168_1_20-8899-2',
    },
  ],
  files: [{ path: '<data dir>/devices.json, vehicles.json', text: 'the registry' }],
  seeAlso: ['registry-set(1)', 'registry-assign(1)', 'registry-remove(1)'],

  async *run(ctx) {
    const { type, name, vehicle, interval, board, id, invertCurrent } = ctx.opts;
    const place = ctx.args[0]!;
    const address = bluetoothAddress(place);
    if (address === undefined && !place.includes('/')) {
      throw fail(
        'usage',
        `${place}: neither a Bluetooth address nor a port`,
        'As in: /dev/ttyUSB0, or tcp://host:port.',
      );
    }
    if (address !== undefined && (board !== undefined || id !== undefined)) {
      throw fail('usage', '--board and --id are for packs on a wire');
    }
    const known = { device_type: type, friendly_name: name, vehicle };
    const found: Found =
      address === undefined ? { ...known, ...packAt(place, board, id) } : { ...known, mac_address: address };
    const fields = { polling_interval: interval / 1000, ...(invertCurrent && { invert_current: true }) };
    yield await registryOf(ctx).update((draft, now) => deviceRecord(ctx, draft, addDevice(draft, now, found, fields)));
  },
});

/** A pack by its port: named by the name that survives a replug, where there is one. */
function packAt(place: string, board: number | undefined, id: string | undefined) {
  const address = parseAddress(place);
  return { port: address.name, board, id: id ?? serialDeviceId(address, board) };
}
