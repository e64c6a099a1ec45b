import { accessSync, constants, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { platform } from 'node:os';
import { basename, join } from 'node:path';
import { isBluetoothAddress } from '../../records/bluetooth-address.ts';
import { CommandError, exit, fail } from '../../runtime/exit.ts';

/** The controller to use, found before noble is started: noble itself doesn't tell what is missing, it just stays silent. */
export interface Controller {
  /** For messages: `hci0`, `/dev/ttyACM0`. */
  name: string;
  /** Name of the lock that all tools on it share. */
  lock: string;
  /** What noble needs in its environment to use it. */
  env: Readonly<Record<string, string>>;
}

const inContainer = 'In a container, give it --network=host and --cap-add=NET_RAW.';

/** There is no adapter at all, and none was named: what a machine that needs no Bluetooth need not mind. Exit status 69. */
export class NoAdapter extends CommandError {
  constructor() {
    super(exit.unavailable, 'no Bluetooth adapter', `Plug one in (rfkill list, dmesg). ${inContainer}`);
  }
}

const netAdmin = 12;
const netRaw = 13;

/** Reads a short file; undefined where there is none. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

function names(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** A controller behind a serial port, as nRF and Zephyr boards are. noble would wait for a missing one for ever. */
function serialController(path: string): Controller {
  if (!existsSync(path)) {
    throw fail('unavailable', `Bluetooth adapter ${path}: is not there`, 'Plug it in, or name another with --adapter.');
  }
  if (!statSync(path).isCharacterDevice()) throw fail('unavailable', `Bluetooth adapter ${path}: is no serial port`);
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
  } catch {
    throw fail('noPermission', `Bluetooth adapter ${path}: permission denied`, 'Add your user to its group (dialout).');
  }
  return { name: path, lock: `ble-${basename(path)}`, env: { BLUETOOTH_HCI_SOCKET_UART_PORT: path } };
}

/** The controller that the user means: by its number or name, by its address (numbers can swap at a boot), or the first. */
function choose(folder: string, wanted: string | undefined): string {
  const present = names(folder)
    .filter((name) => /^hci\d+$/.test(name))
    .sort((a, b) => Number(a.slice(3)) - Number(b.slice(3)));
  const list = present.length === 0 ? 'there is none' : `there is ${present.join(', ')}`;
  if (wanted === undefined) {
    const [first] = present;
    if (first) return first;
    throw new NoAdapter();
  }
  const name = isBluetoothAddress(wanted)
    ? present.find((one) => read(join(folder, one, 'address'))?.toLowerCase() === wanted.toLowerCase())
    : present.find((one) => one === (/^\d+$/.test(wanted) ? `hci${wanted}` : wanted));
  if (name) return name;
  throw fail('unavailable', `Bluetooth adapter ${wanted}: not found, ${list}`, 'Name another with --adapter.');
}

/** A switch on the case or in the desktop has turned the radio off. */
function demandUnblocked(folder: string, name: string): void {
  for (const entry of names(join(folder, name)).filter((one) => one.startsWith('rfkill'))) {
    if (read(join(folder, name, entry, 'hard')) === '1') {
      throw fail('later', `Bluetooth adapter ${name}: switched off by a key or switch of the machine`, 'Switch it on.');
    }
    if (read(join(folder, name, entry, 'soft')) === '1') {
      throw fail('later', `Bluetooth adapter ${name}: switched off (rfkill)`, 'Run: rfkill unblock bluetooth');
    }
  }
}

/** Raw HCI wants a capability; without it nothing would happen at all. */
function demandRights(root: string, name: string, userChannel: boolean): void {
  const status = read(join(root, 'proc/self/status'));
  if (status === undefined) return;
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`);
  const isRoot = /^Uid:\s*\d+\s+0\s/m.test(status);
  const bit = userChannel ? netAdmin : netRaw;
  if (isRoot || ((effective >> BigInt(bit)) & 1n) === 1n) return;
  throw fail(
    'noPermission',
    `Bluetooth adapter ${name}: not permitted: ${userChannel ? 'CAP_NET_ADMIN' : 'CAP_NET_RAW'} is missing`,
    `Run it as a systemd service with AmbientCapabilities=${userChannel ? 'CAP_NET_ADMIN ' : ''}CAP_NET_RAW, or with sudo.`,
  );
}

/** What {@link findController} goes by. */
export interface ControllerWish {
  /** `hci1`, `1`, an address, or the path of a serial port; absent: the first that there is. */
  adapter?: string | undefined;
  /** Where /sys and /proc are (default `/`): another one in tests. */
  root?: string;
  /** The adapter is used exclusively (`HCI_CHANNEL_USER`). */
  userChannel?: boolean;
}

/**
 * Finds the controller and checks what can be checked without opening it. Throws one line for each of: none there (69), switched off
 * (75), no rights (77).
 */
export function findController({ adapter, root = '/', userChannel = false }: ControllerWish): Controller {
  if (adapter?.startsWith('/')) return serialController(adapter);
  // macOS has one adapter and asks its user.
  if (platform() !== 'linux' && root === '/') return { name: 'Bluetooth', lock: 'ble', env: {} };
  const folder = join(root, 'sys/class/bluetooth');
  const name = choose(folder, adapter);
  demandUnblocked(folder, name);
  demandRights(root, name, userChannel);
  return { name, lock: `ble-${name}`, env: { NOBLE_HCI_DEVICE_ID: name.slice(3) } };
}
