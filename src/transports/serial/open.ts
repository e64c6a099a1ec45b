import type { Clock } from '../../runtime/clock.ts';
import { fail } from '../../runtime/exit.ts';
import { HeldLock } from '../../runtime/lock.ts';
import type { Link } from '../link.ts';
import { type SerialAddress, serialDeviceId } from './address.ts';
import { processName } from './owner.ts';
import type { PortSettings } from './port.ts';

/** What opening needs of the world: a command's context has it all. */
export interface SerialHost {
  clock: Clock;
  signal: AbortSignal;
  /** Takes a lock by name for this process, rejects with exit status 75 when another one has it. */
  lock(name: string): Promise<() => Promise<void>>;
}

/**
 * Opens a serial port or a serial server, for one process at a time: two commands on one bus spoil each other's answers, and
 * neither the system's own lock nor TCP keeps them apart.
 *
 * @throws exit status 75 and the owner's name when another command of ours has it, 69 or 77 as `openPort` and `openTcp` say
 */
export async function openSerial(address: SerialAddress, settings: PortSettings, host: SerialHost): Promise<Link> {
  const release = await host.lock(`port-${serialDeviceId(address)}`).catch((error: unknown) => {
    throw named(address, error);
  });
  try {
    const link = await open(address, settings, host);
    void link.closed.then(release);
    return {
      ...link,
      async close() {
        await link.close();
        await release();
      },
    };
  } catch (error) {
    await release();
    throw error;
  }
}

/** The two are loaded when they are used: a native module the one, Node's network the other. */
async function open(address: SerialAddress, settings: PortSettings, host: SerialHost): Promise<Link> {
  if (address.kind === 'tcp') return (await import('./tcp.ts')).openTcp(address, host);
  return (await import('./port.ts')).openPort(address, settings, host.clock);
}

function named({ name }: SerialAddress, error: unknown): unknown {
  if (!(error instanceof HeldLock)) return error;
  const { pid } = error;
  const owner = processName(pid);
  return fail('later', `${name}: process ${pid}${owner ? ` (${owner})` : ''} reads it`, 'Stop that one first.', error);
}
