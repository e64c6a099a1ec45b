import { fstatSync } from 'node:fs';
import { type Hangup, noteTerminal } from './hangup.ts';

/** What a file descriptor is. */
export type DescriptorKind = 'file' | 'pipe' | 'terminal' | 'null' | 'closed';

/**
 * The process around the commands: the only door to environment and standard streams. Variables that concern one process of a
 * family alone (`NOTIFY_SOCKET`, `VOLTPIPE_ACK_FD`) are taken out, so that no child inherits them.
 */
export interface Host {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly notifySocket: string | undefined;
  readonly watchdogUsec: number | undefined;
  readonly ackFd: number | undefined;
  readonly underJournal: boolean;
  readonly hangup: Hangup;
}

/** Reads the process's surroundings once. */
export function takeHost(): Host {
  const take = (name: string): string | undefined => {
    const value = process.env[name];
    delete process.env[name];
    return value === '' ? undefined : value;
  };
  const notifySocket = take('NOTIFY_SOCKET');
  const watchdog = take('WATCHDOG_USEC');
  const watchdogPid = take('WATCHDOG_PID');
  const ack = take('VOLTPIPE_ACK_FD');
  const forUs = watchdogPid === undefined || Number(watchdogPid) === process.pid;
  const hangup = noteTerminal(process.env);
  // Our children see it no other way.
  if (hangup.ignored) process.env._ = 'nohup';
  return {
    env: process.env,
    notifySocket,
    watchdogUsec: watchdog && forUs ? Number(watchdog) : undefined,
    ackFd: ack === undefined ? undefined : Number(ack),
    underJournal: journalIsStderr(process.env.JOURNAL_STREAM),
    hangup,
  };
}

/** systemd names the device and inode of the journal's socket; stderr may have been redirected since. */
function journalIsStderr(stream: string | undefined): boolean {
  if (!stream) return false;
  try {
    const { dev, ino } = fstatSync(2);
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

/** Device number of /dev/null on Linux. */
const nullDevice = 0x103;

/** What stands behind descriptor `fd`. */
export function descriptorKind(fd: number): DescriptorKind {
  try {
    const stat = fstatSync(fd);
    if (stat.isFile() || stat.isBlockDevice() || stat.isDirectory()) return 'file';
    if (stat.isFIFO() || stat.isSocket()) return 'pipe';
    if (!stat.isCharacterDevice()) return 'file';
    if (stat.rdev === nullDevice) return 'null';
    // Loaded for what may be a terminal only: it costs a millisecond.
    return process.getBuiltinModule('node:tty').isatty(fd) ? 'terminal' : 'null';
  } catch {
    return 'closed';
  }
}
