import assert from 'node:assert/strict';

/** A record of a test: which life of the command it was given to, and the how manieth it was there, from 1. */
export interface Place {
  round: number;
  n: number;
}

const isBefore = (a: Place, b: Place): boolean => a.round < b.round || (a.round === b.round && a.n < b.n);
const named = ({ round, n }: Place): string => `${round}/${n}`;

/** Watches what arrives over many lives of a command: nothing may be missing, come out of turn, or come again when it was acknowledged. */
export interface Arrivals {
  /**
   * What arrived in one life, in order.
   *
   * @param first the first record that was not acknowledged when the life began
   * @param reach so many records may be overtaken by others (default 0)
   */
  life(places: Iterable<Place>, first: Place | undefined, reach?: number): void;
  /** What arrived by another way, in whatever order. */
  elsewhere(places: Iterable<Place>): void;
  /** Throws when something that was accepted has not arrived, or something that was never given has. */
  judge(accepted: readonly number[], given: readonly number[]): void;
}

/** Nothing has arrived. */
export function createArrivals(): Arrivals {
  const seen: Set<number>[] = [];
  let highest: Place = { round: 0, n: 0 };
  let reachOfHighest = 0;
  const isNew = ({ round, n }: Place): boolean => {
    seen[round] ??= new Set();
    if (seen[round].has(n)) return false;
    seen[round].add(n);
    return true;
  };
  return {
    life(places, first, reach = 0) {
      for (const place of places) {
        assert.ok(!first || !isBefore(place, first), `${named(place)} was acknowledged, and came again`);
        if (!isNew(place)) continue;
        if (isBefore(highest, place)) {
          highest = place;
          reachOfHighest = reach;
          continue;
        }
        const behind = highest.round === place.round ? highest.n - place.n : highest.n;
        assert.ok(behind <= reachOfHighest, `${named(place)} came after ${named(highest)}`);
      }
    },
    elsewhere(places) {
      for (const place of places) isNew(place);
    },
    judge(accepted, given) {
      for (const [round, count] of accepted.entries()) {
        const arrived = seen[round] ?? new Set();
        assert.ok(arrived.size >= count, `round ${round}: ${count} accepted, ${arrived.size} arrived`);
        assert.ok(arrived.size <= given[round]!, `round ${round}: ${given[round]} given, ${arrived.size} arrived`);
        for (let n = 1; n <= arrived.size; n++) assert.ok(arrived.has(n), `round ${round}: ${n} is missing`);
      }
    },
  };
}
