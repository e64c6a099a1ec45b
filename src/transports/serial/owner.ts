import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';

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

/** The short name of a process; undefined where it can't be seen. */
export const processName = (pid: number, proc = '/proc'): string | undefined =>
  quietly(() => readFileSync(`${proc}/${pid}/comm`, 'utf8').trim());

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
