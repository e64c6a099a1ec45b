import type { Clock } from './clock.ts';

/** What is known of one stage's data path. */
export interface StageHealth {
  alive(within?: number): void;
  unready(why: string): void;
}

/** The health of the process: all its stages together. */
export interface Health {
  stage(name: string): StageHealth;
  /** Why it is not ready; empty when it is. */
  unready(): readonly string[];
  /** Why the data path is not proven; empty when it is. A stage that knows that it is cut off and tries again is no stall. */
  stalled(): readonly string[];
  /** Called whenever readiness may have changed. */
  onChange(fn: () => void): void;
}

/** Tracks readiness and proof of life; see {@link Context.alive}. */
export function createHealth(clock: Clock): Health {
  const reasons = new Map<string, string>();
  const promises = new Map<string, number>();
  const listeners: (() => void)[] = [];
  const changed = (): void => {
    for (const fn of listeners) fn();
  };
  return {
    stage: (name) => ({
      alive(within) {
        if (within === undefined) promises.delete(name);
        else promises.set(name, clock.monotonic() + within);
        if (reasons.delete(name)) changed();
      },
      unready(why) {
        promises.delete(name);
        if (reasons.get(name) === why) return;
        reasons.set(name, why);
        changed();
      },
    }),
    unready: () => [...reasons].map(([name, why]) => `${name}: ${why}`),
    stalled: () =>
      [...promises]
        .filter(([, until]) => until < clock.monotonic())
        .map(
          ([name, until]) =>
            `${name}: no sign of life for ${Math.round((clock.monotonic() - until) / 1000)} s more than it promised`,
        ),
    onChange(fn) {
      listeners.push(fn);
    },
  };
}
