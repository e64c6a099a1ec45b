import { type CommandError, fail } from '../../runtime/exit.ts';
import { type Link, LinkError, type LinkFailure } from '../link.ts';
import { portNames, type SerialAddress } from './address.ts';
import { ownersOf } from './owner.ts';

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
export async function openPort(address: PortAddress, settings: PortSettings): Promise<Link> {
  const { SerialPort } = await import('serialport');
  const port = new SerialPort({ path: address.path, ...settings, autoOpen: false });
  const error = await new Promise<Error | null>((resolve) => port.open(resolve));
  if (error) throw explained(address, error.message);

  let listener: (bytes: Buffer) => void = () => {};
  let failure: LinkFailure | undefined;
  let over: (why: LinkFailure | undefined) => void;
  const closed = new Promise<LinkFailure | undefined>((resolve) => {
    over = resolve;
  });
  /** Writes that wait: an adapter that goes away in mid-write answers no callback. */
  const waiting = new Set<(error: LinkError) => void>();
  const end = (why: LinkFailure | undefined): void => {
    failure ??= why ?? { kind: 'closed', reason: 'the port was closed' };
    for (const reject of waiting) reject(new LinkError(failure));
    waiting.clear();
    over(why);
  };
  port.on('data', (bytes: Buffer) => listener(bytes));
  // The port closes itself after a read that fails: that is what an unplugged adapter looks like.
  port.on('error', () => {});
  port.on('close', (why: Error | null) =>
    end(why ? { kind: 'unplugged', reason: 'the port is gone, as if unplugged' } : undefined),
  );

  return {
    name: address.name,
    closed,
    onData(fn) {
      listener = fn;
    },
    async send(bytes) {
      if (failure) throw new LinkError(failure);
      await new Promise<void>((resolve, reject) => {
        const done = (error: Error | null | undefined): void => {
          if (!waiting.delete(reject)) return;
          if (error) reject(new LinkError({ kind: 'failed', reason: error.message }));
          else resolve();
        };
        waiting.add(reject);
        port.write(Buffer.from(bytes), (error) => (error ? done(error) : port.drain(done)));
      });
    },
    async close() {
      if (port.isOpen) await new Promise<void>((resolve) => port.close(() => resolve()));
      end(undefined);
    },
  };
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
