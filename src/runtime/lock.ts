import {
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { systemClock } from './clock.ts';
import { CommandError, exit, fail } from './exit.ts';
import { makeFolder } from './folder.ts';
import { inWords } from './system-error.ts';

/*
 * A lock is the folder `<path>.lock`. Who wants it puts a claim there, an empty file whose name says which process it is, and then
 * looks whether there are others. Nobody else: the lock is taken, and `<claim>.held` says so. Since everybody claims before he
 * looks, two can't both find themselves alone. Of several who claim at the same time the first by name stays, the others
 * withdraw and try again.
 *
 * A claim whose process is dead, or that was made in another folder and came here with a copy of it, is removed by whoever sees it. Its
 * name belongs to that one process and folder for ever, so this can't hit anybody alive, however late it happens; that is where locks go
 * wrong that are one file or judged by their age.
 */

/** How long a lock is worth trying for. */
export interface LockOptions {
  /** Milliseconds to keep trying (default 0: until it is known that somebody holds it). */
  wait?: number;
  /** The folder stays when the lock is given back: on a full disk no other could be made. */
  keep?: boolean;
}

/** Somebody alive holds the lock. Exit status 75. */
export class HeldLock extends CommandError {
  /** The process that has it. */
  readonly pid: number;

  constructor(path: string, pid: number) {
    super(exit.later, `lock ${path}: held by process ${pid}`, 'Stop that one first.');
    this.pid = pid;
  }
}

const beatEvery = 2000;
/** A claim from another container counts as dead after so many milliseconds without a beat. */
const silent = 10_000;
/** How long claims may stand against each other before that counts as held. */
const undecided = 2000;
const retryAfter = (): number => 5 + Math.random() * 20;

/** State and start time of a process, undefined where /proc is not to be had or the process is not. */
function statusOf(pid: number): { zombie: boolean; started: string } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field, the command in parentheses, may hold anything; the state comes next, the start time 19 fields on.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { zombie: fields[0] === 'Z', started: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}

function ofMachine(read: () => string): string {
  try {
    return read()
      .replaceAll(/[^0-9a-f]/g, '')
      .slice(0, 12);
  } catch {
    return '0';
  }
}

let identity: { boot: string; space: string; started: string } | undefined;
let claims = 0;

/** What tells this process from every other that ever was on this machine: numbers and start times come again after a boot. */
function self(): NonNullable<typeof identity> {
  identity ??= {
    boot: ofMachine(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')),
    space: ofMachine(() => readlinkSync('/proc/self/ns/pid')),
    started: statusOf(process.pid)?.started ?? '0',
  };
  return identity;
}

/** Which folder of this machine it is. */
function placeOf(folder: string): string {
  const { dev, ino } = statSync(folder);
  return `${dev}.${ino}`;
}

function isAlive(folder: string, claim: string): boolean {
  const [pid, started, boot, space, , place] = claim.split('-');
  // It came with a copy of the folder, which nobody holds.
  if (place !== undefined && place !== placeOf(folder)) return false;
  if (boot !== self().boot) return false;
  if (space !== self().space) return hasBeat(join(folder, claim));
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const status = statusOf(Number(pid));
  return status === undefined || (!status.zombie && status.started === started);
}

/** Processes of another container can't be seen: their beat must do. */
function hasBeat(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && Date.now() - stat.mtimeMs < silent;
}

const heldMark = '.held';

/** Puts a claim of that name there, with the place behind it. Returns its whole name. */
function stakeClaim(folder: string, name: string): string {
  for (let left = 1000; ; left--) {
    try {
      makeFolder(folder);
      const claim = `${name}-${placeOf(folder)}`;
      writeFileSync(join(folder, claim), '', { mode: 0o600 });
      if (claim.endsWith(`-${placeOf(folder)}`)) return claim;
      rmSync(join(folder, claim), { force: true });
    } catch (error) {
      // The one before us has just cleared the folder away.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || left === 0) throw error;
    }
  }
}

function withdraw(folder: string, claim: string, keep = false): void {
  try {
    for (const name of [claim + heldMark, claim]) rmSync(join(folder, name), { force: true });
    if (!keep) rmdirSync(folder);
  } catch {
    // Others have claims in it.
  }
}

/** The claims of others that are alive, and which of them holds the lock. Removes those of the dead. */
function rivals(folder: string, claim: string): { alive: string[]; holder: string | undefined } {
  const names = new Set(readdirSync(folder));
  const others = [...names].filter((name) => name !== claim && !name.endsWith(heldMark));
  const alive = others.filter((other) => isAlive(folder, other));
  for (const dead of others) {
    if (alive.includes(dead)) continue;
    for (const name of [dead + heldMark, dead]) rmSync(join(folder, name), { force: true });
  }
  return { alive, holder: alive.find((other) => names.has(other + heldMark)) };
}

function touch(path: string): void {
  try {
    utimesSync(path, new Date(), new Date());
  } catch {
    // Somebody removed it by hand.
  }
}

/**
 * Takes the lock `path` (a folder `<path>.lock`). A holder that has died is replaced at once.
 *
 * @returns the release function
 * @throws {@link HeldLock}, exit status 75, when somebody alive holds it; 74 when the folder cannot be written
 */
export async function takeLock(path: string, options: LockOptions = {}): Promise<() => Promise<void>> {
  const folder = `${path}.lock`;
  const { started, boot, space } = self();
  const name = [process.pid, started, boot, space, ++claims].join('-');
  let claim = name;
  const giveUp = systemClock.monotonic() + (options.wait ?? 0);
  try {
    for (let staked = false; ; ) {
      if (!staked) claim = stakeClaim(folder, name);
      const { alive, holder } = rivals(folder, claim);
      if (alive.length === 0) return hold(folder, claim, options.keep);
      staked = holder === undefined && alive.every((other) => other > claim);
      if (!staked) withdraw(folder, claim, options.keep);
      // Claims that are not held yet are decided within milliseconds, if their processes run at all.
      if (systemClock.monotonic() >= giveUp + (holder === undefined ? undecided : 0)) {
        throw new HeldLock(path, Number((holder ?? alive[0])!.split('-')[0]));
      }
      await new Promise((resolve) => setTimeout(resolve, retryAfter()));
    }
  } catch (error) {
    withdraw(folder, claim, options.keep);
    if (error instanceof CommandError) throw error;
    throw fail('io', `${path}: cannot be locked: ${inWords(error)}`, undefined, error);
  }
}

function hold(folder: string, claim: string, keep?: boolean): () => Promise<void> {
  writeFileSync(join(folder, claim + heldMark), '', { mode: 0o600 });
  const beat = setInterval(() => touch(join(folder, claim)), beatEvery).unref();
  return async () => {
    clearInterval(beat);
    withdraw(folder, claim, keep);
  };
}
