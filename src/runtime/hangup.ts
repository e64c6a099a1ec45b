import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import type { Clock } from './clock.ts';
import type { Reloader } from './reload.ts';

/** The signal may come a moment before the terminal is taken away. */
const settles = 100;

/**
 * What a hang-up (SIGHUP) means to a command: the end of the terminal it was started in, or, by an old custom of services, the wish
 * that it read its configuration again. Which of them is meant shows in whether the terminal is still there.
 */
export interface Hangup {
  /** Whether there was a terminal at the start that is gone now. */
  terminalLost(): boolean;
  /** Whether the command was started by nohup, and thus survives its terminal. */
  readonly ignored: boolean;
}

/** Looks around once, at the start. */
export function noteTerminal(env: Readonly<Record<string, string | undefined>>): Hangup {
  const had = terminalOpens();
  return { terminalLost: () => had && !terminalOpens(), ignored: startedByNohup(env) || parentIgnoresHangups() };
}

/**
 * A hang-up whose terminal is gone stops the command, as does one that nobody would reload for; every other one is a wish to reload.
 */
export function controlHangup(hangup: Hangup, reloader: Reloader, clock: Clock, stop: () => void): void {
  process.on('SIGHUP', () => {
    if (hangup.ignored) return reloader.soon();
    if (!reloader.started || hangup.terminalLost()) return stop();
    clock.after(settles, () => (hangup.terminalLost() ? stop() : reloader.soon()), { idle: true });
  });
}

/** Whether this process has a controlling terminal, one at whose other end there is somebody. */
function terminalOpens(): boolean {
  try {
    closeSync(openSync('/dev/tty', constants.O_RDONLY | constants.O_NOCTTY | constants.O_NONBLOCK));
    return true;
  } catch {
    return false;
  }
}

/*
 * nohup has the signal ignored and then becomes the command; but Node, when it starts, takes back every ignoring that it inherits.
 * So nohup is known by its traces.
 */

/** bash and zsh name the program that they started last. */
const startedByNohup = ({ _: program }: Readonly<Record<string, string | undefined>>): boolean =>
  program !== undefined && /(^|\/)nohup$/.test(program);

/** A shell under nohup, or after `trap '' HUP`, ignores the signal itself, as all that it starts shall do. */
function parentIgnoresHangups(): boolean {
  try {
    const mask = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${process.ppid}/status`, 'latin1'))?.[1];
    return mask !== undefined && (Number.parseInt(mask.slice(-1), 16) & 1) === 1;
  } catch {
    return false;
  }
}
