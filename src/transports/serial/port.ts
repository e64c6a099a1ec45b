import type { Clock } from '../../runtime/clock.ts';
import { type CommandError, fail } from '../../runtime/exit.ts';
import type { Link } from '../link.ts';
import { portNames, type SerialAddress } from './address.ts';
import { ownersOf } from './owner.ts';
import { portLink } from './port-link.ts';

/** How a serial port is set. */
export interface PortSettings {
  baudRate: number;
  dataBits: 7 | 8;
  parity: 'none' | 'even' | 'odd';
  stopBits: 1 | 2;
}

type PortAddress = SerialAddress & { kind: 'port' };

/**
 * Opens a serial port of this machine, for us alone. Reads come as the system has them, in any pieces.
 *
 * @throws exit status 69 when the port is not there or is no serial port, 77 without the rights, 75 when another program holds it
 */
export async function openPort(address: PortAddress, settings: PortSettings, clock: Clock): Promise<Link> {
  const { SerialPort } = await import('serialport');
  const port = new SerialPort({ path: address.path, ...settings, autoOpen: false });
  const error = await new Promise<Error | null>((resolve) => port.open(resolve));
  if (error) throw explained(address, error.message);
  return portLink(port, address.name, clock);
}

/** What the user can do about a port that did not open; the texts are those of the native binding. */
function explained({ path, name }: PortAddress, message: string): CommandError {
  if (/no such file|no such device/i.test(message)) {
    const there = portNames().map((one) => one.name);
    return fail(
      'unavailable',
      `${name}: no such port`,
      there.length ? `There are: ${there.join(', ')}.` : 'Is it plugged in?',
    );
  }
  if (/permission denied|operation not permitted/i.test(message)) {
    return fail('noPermission', `${name}: permission denied`, 'sudo usermod -aG dialout $USER, then log in again.');
  }
  if (/temporarily unavailable|cannot lock|busy/i.test(message)) {
    const owners = ownersOf(path, 0).map((owner) => `process ${owner.pid} (${owner.name})`);
    return fail('later', `${name}: ${owners.join(', ') || 'another program'} has it open`, 'Stop that one first.');
  }
  if (/inappropriate ioctl|is a directory/i.test(message)) {
    return fail('unavailable', `${name}: no serial port`, 'Ports are /dev/ttyUSB0 and the like, or tcp://host:port.');
  }
  return fail('unavailable', `${name}: cannot be opened: ${message.replace(/^Error:?\s*/, '')}`);
}
