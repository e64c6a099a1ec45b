import type { Clock } from './clock.ts';

/** What is known of one stage's data path. */
export interface StageHealth {
  alive(within?: number): void;
  unready(why: string): void;
}

/** The health of the process: all its stages together. */
export interface Health {
  /** An account of its own for each stage; a second stage of one name is called `name 2`. */
  stage(name: string): StageHealth;
  /** Why it is not ready; empty when it is. */
  unready(): readonly string[];
  /** Why the data path is not proven; empty when it is. A stage that knows that it is cut off and tries again is no stall. */
  stalled(): readonly string[];
  /** Called whenever readiness may have changed. */
  onChange(fn: () => void): void;
}

/** What one stage has said last. */
interface Account {
  command: string;
  name: string;
  /** Why it is not ready. */
  reason: string | undefined;
  /** Until when it promised another sign of life, by the monotonic clock. */
  until: number | undefined;
}

/** Tracks readiness and proof of life; see {@link Context.alive}. */
export function createHealth(clock: Clock): Health {
  const accounts: Account[] = [];
  const listeners: (() => void)[] = [];
  const changed = (): void => {
    for (const fn of listeners) fn();
  };
  return {
    stage(command) {
      const before = accounts.filter((other) => other.command === command).length;
      const name = before === 0 ? command : `${command} ${before + 1}`;
      const account: Account = { command, name, reason: undefined, until: undefined };
      accounts.push(account);
      return {
        alive(within) {
          account.until = within === undefined ? undefined : clock.monotonic() + within;
          if (account.reason === undefined) return;
          account.reason = undefined;
          changed();
        },
        unready(why) {
          account.until = undefined;
          if (account.reason === why) return;
          account.reason = why;
          changed();
        },
      };
    },
    unready: () => accounts.flatMap(({ name, reason }) => (reason === undefined ? [] : `${name}: ${reason}`)),
    stalled: () =>
      accounts.flatMap(({ name, until }) => {
        const late = until === undefined ? 0 : clock.monotonic() - until;
        return late > 0 ? `${name}: no sign of life for ${Math.round(late / 1000)} s more than it promised` : [];
      }),
    onChange(fn) {
      listeners.push(fn);
    },
  };
}
