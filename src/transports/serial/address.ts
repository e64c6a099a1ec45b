import { readdirSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fail } from '../../runtime/exit.ts';

/** Where a serial device is: a port of this machine, or a serial server in the network. */
export type SerialAddress =
  | { kind: 'port'; path: string /** Name that survives a replug and a reboot, or the path. */; name: string }
  | { kind: 'tcp'; host: string; port: number; name: string };

const byIdFolder = '/dev/serial/by-id';

/** The stable names that udev gives to the serial ports that are plugged in, with the device each one means. */
export function portNames(folder = byIdFolder): { name: string; device: string }[] {
  try {
    return readdirSync(folder).map((name) => ({ name: join(folder, name), device: realpathSync(join(folder, name)) }));
  } catch {
    return [];
  }
}

/**
 * Reads what stands behind `--port`: a path, or `tcp://host:port`. A path is given its stable by-id name when udev has one, so that
 * messages and device ids stay the same when the adapter comes back as `ttyUSB1`.
 *
 * @throws exit status 64 when it is neither
 */
export function parseAddress(text: string, folder = byIdFolder): SerialAddress {
  if (text.startsWith('tcp:')) {
    const match = /^tcp:\/\/(?:\[([^\]]+)\]|([^:/\s]+)):(\d{1,5})\/?$/.exec(text);
    const port = Number(match?.[3]);
    if (!match || port < 1 || port > 65_535) throw fail('usage', `--port '${text}': expected tcp://host:port`);
    return { kind: 'tcp', host: match[1] ?? match[2]!, port, name: text.replace(/\/$/, '') };
  }
  if (text === '' || text.includes('://')) {
    throw fail('usage', `--port '${text}': neither a serial device nor tcp://host:port`);
  }
  return { kind: 'port', path: text, name: stableName(text, folder) };
}

function stableName(path: string, folder: string): string {
  try {
    const device = realpathSync(path);
    return portNames(folder).find((one) => one.device === device)?.name ?? path;
  } catch {
    return path;
  }
}

/** The `device_id` of what is connected there: `serial-<by-id name>[-board]` or `tcp-<host>-<port>[-board]`, of `[A-Za-z0-9_-]`. */
export function serialDeviceId(address: SerialAddress, board?: number): string {
  const where = address.kind === 'tcp' ? `tcp-${address.host}-${address.port}` : `serial-${basename(address.name)}`;
  return `${where}${board === undefined ? '' : `-${board}`}`.replaceAll(/[^A-Za-z0-9_-]/g, '_');
}
