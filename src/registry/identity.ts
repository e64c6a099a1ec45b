import { isBluetoothAddress } from '../records/bluetooth-address.ts';
import { RegistryError } from './error.ts';

/** What macOS shows in the place of an address. */
const opaque = /^[0-9A-F]{32}$|^[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}$/;

/** A Bluetooth address in the registry's form, capitals with colons: `aa-bb-…` and `aabb…` are taken too. Undefined for what is none. */
export function bluetoothAddress(text: string): string | undefined {
  const plain = text.trim().toUpperCase();
  const bare = /^[0-9A-F]{12}$/.test(plain) ? plain.replace(/(..)(?=.)/g, '$1:') : plain.replaceAll('-', ':');
  if (isBluetoothAddress(bare)) return bare;
  return opaque.test(plain) ? plain : undefined;
}

const safe = (text: string): string => text.replaceAll(/[^A-Za-z0-9_-]/g, '_');

/**
 * The id of a pack on a wire: `serial-<name of the port>[-board]` or `tcp-<host>-<port>[-board]`, of letters, digits, `_` and `-`.
 * A port named by `/dev/serial/by-id/…` keeps its id when adapters change places; `/dev/ttyUSB0` does not.
 */
export function packId(port: string, board?: number): string {
  const tcp = /^tcp:\/\/\[?([^\]]+?)\]?:(\d+)\/?$/.exec(port);
  const name = tcp ? `tcp-${safe(tcp[1]!)}-${tcp[2]}` : `serial-${safe(port.split('/').at(-1) ?? port)}`;
  return board === undefined ? name : `${name}-${board}`;
}

/** Checks an id that a user chose for a pack. */
export function checkPackId(id: string): string {
  if (/^[A-Za-z0-9_-]{1,100}$/.test(id)) return id;
  throw new RegistryError('invalid', `id ${JSON.stringify(id)}: expected letters, digits, _ and -`);
}
