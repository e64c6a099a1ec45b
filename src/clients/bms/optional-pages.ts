/**
 * Which optional requests of one device are worth their wait. Firmware that doesn't know one stays silent, which costs its whole
 * time-out, so after some silent rounds it is asked for now and then only.
 *
 * Kept by who reads the device again and again. Times are those of a monotonic clock, in ms.
 */
export interface OptionalPages {
  /** Whether to ask for it now. */
  isDue(what: string, now: number): boolean;
  /** It was answered, or refused, which costs no time. `true`: it had been given up before. */
  answered(what: string): boolean;
  /** Nothing came at all. `true`: it is given up now, for the first time. */
  silent(what: string, now: number): boolean;
}

/** So many silent rounds, one after the other, and it is given up. */
export const silentRounds = 3;
/** What was given up is asked for again after this time: firmware is updated, a line gets better. */
export const askedAgainAfter = 3_600_000;

/** Starts the account of a device, of which nothing is known yet. */
export function createOptionalPages(): OptionalPages {
  const pages = new Map<string, { rounds: number; last: number }>();
  const isGivenUp = (rounds: number): boolean => rounds >= silentRounds;
  return {
    isDue(what, now) {
      const { rounds = 0, last = 0 } = pages.get(what) ?? {};
      return !isGivenUp(rounds) || now - last >= askedAgainAfter;
    },
    answered(what) {
      const { rounds = 0 } = pages.get(what) ?? {};
      pages.delete(what);
      return isGivenUp(rounds);
    },
    silent(what, now) {
      const rounds = (pages.get(what)?.rounds ?? 0) + 1;
      pages.set(what, { rounds, last: now });
      return rounds === silentRounds;
    },
  };
}
