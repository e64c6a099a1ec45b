/**
 * Which optional requests of one device are worth their wait. Firmware that doesn't know one stays silent, which costs its whole
 * time-out, so after some silent rounds it is asked for now and then only. What the device has once answered it knows: there
 * silence is a fault that passes, and it is given up much later and asked for again much sooner.
 *
 * Kept by who reads the device again and again. Times are those of a monotonic clock, in ms.
 */
export interface OptionalPages {
  /** Whether to ask for it now. */
  isDue(what: string, now: number): boolean;
  /** Something came: a refusal, or a damaged answer; with `isUsed` what was asked for. The news, if it had been given up before. */
  answered(what: string, isUsed: boolean): string | undefined;
  /** Nothing came at all. The news, if it is given up with that. */
  silent(what: string, now: number): string | undefined;
  /** The device was away: the silent rounds are forgotten, not what it has answered. */
  anew(): void;
}

/** When a page is given up, and when it is asked for again. */
export interface GivenUp {
  /** So many silent rounds, one after the other, … */
  rounds: number;
  /** … over so many ms, and it is given up. */
  over: number;
  /** It is asked for again after so many ms: firmware is updated, a line gets better. */
  pause: number;
}

/** A page that this device has never answered. */
export const neverAnswered: GivenUp = { rounds: 3, over: 0, pause: 3_600_000 };
/** A page that this device has answered, since it is read. */
export const onceAnswered: GivenUp = { rounds: 30, over: 600_000, pause: 300_000 };

interface Silence {
  rounds: number;
  since: number;
  last: number;
  givenUp?: GivenUp;
}

/** Starts the account of a device, of which nothing is known yet. */
export function createOptionalPages(): OptionalPages {
  const silences = new Map<string, Silence>();
  const known = new Set<string>();
  return {
    isDue(what, now) {
      const { givenUp, last = 0 } = silences.get(what) ?? {};
      return !givenUp || now - last >= givenUp.pause;
    },
    answered(what, isUsed) {
      if (isUsed) known.add(what);
      const wasGivenUp = silences.get(what)?.givenUp !== undefined;
      silences.delete(what);
      return wasGivenUp ? 'it answers again' : undefined;
    },
    silent(what, now) {
      const silence: Silence = silences.get(what) ?? { rounds: 0, since: now, last: now };
      silences.set(what, silence);
      silence.rounds++;
      silence.last = now;
      const rule = known.has(what) ? onceAnswered : neverAnswered;
      if (silence.givenUp || silence.rounds < rule.rounds || now - silence.since < rule.over) return undefined;
      silence.givenUp = rule;
      return `no answer, time after time: from now on it is asked for once in ${rule.pause / 60_000} minutes only`;
    },
    anew: () => silences.clear(),
  };
}
