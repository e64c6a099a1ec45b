import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { basename } from 'node:path';

/** A process that has a device open. */
export interface Owner {
  pid: number;
  /** Its short name: `agetty`. */
  name: string;
}

const quietly = <T>(read: () => T): T | undefined => {
  try {
    return read();
  } catch {
    return undefined;
  }
};

/** The short name of a process, of one of ours that of the command; undefined where it can't be seen. */
export function processName(pid: number, proc = '/proc'): string | undefined {
  const name = quietly(() => readFileSync(`${proc}/${pid}/comm`, 'utf8').trim());
  if (name !== 'node' && name !== 'MainThread') return name;
  const [, script] = quietly(() => readFileSync(`${proc}/${pid}/cmdline`, 'utf8').split('\0')) ?? [];
  return script ? basename(script).replace(/\.[cm]?js$/, '') : name;
}

/**
 * Other processes that have `path` open, as far as this user may see them: those of other users are hidden from an ordinary one.
 */
export function ownersOf(path: string, own: number, proc = '/proc'): Owner[] {
  const device = quietly(() => realpathSync(path));
  if (device === undefined) return [];
  const holds = (pid: string): boolean =>
    (quietly(() => readdirSync(`${proc}/${pid}/fd`)) ?? []).some(
      (fd) => quietly(() => readlinkSync(`${proc}/${pid}/fd/${fd}`)) === device,
    );
  return (quietly(() => readdirSync(proc)) ?? [])
    .filter((pid) => /^\d+$/.test(pid) && Number(pid) !== own && holds(pid))
    .map((pid) => ({ pid: Number(pid), name: processName(Number(pid), proc) ?? 'unknown' }));
}
