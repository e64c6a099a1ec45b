import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';

/** Tells of records that are given up. */
export interface Losses {
  add(count: number, reason: string): void;
  /** Says what was not said yet, and how many it were in all. */
  close(): void;
}

const sayEvery = 60_000;

/** Counts what is given up at once, and says it once a minute at most. */
export function createLosses(clock: Clock, log: Log, onDropped: (count: number, reason: string) => void): Losses {
  let count = 0;
  let all = 0;
  let times = 0;
  let why = '';
  let saidAt = Number.NEGATIVE_INFINITY;
  const say = (): void => {
    if (count === 0) return;
    log.warn(`${count} undelivered ${count === 1 ? 'record' : 'records'} dropped: ${why}`);
    saidAt = clock.monotonic();
    times++;
    count = 0;
  };
  return {
    add(more, reason) {
      if (more === 0) return;
      onDropped(more, reason);
      if (reason !== why) say();
      why = reason;
      count += more;
      all += more;
      if (clock.monotonic() - saidAt >= sayEvery) say();
    },
    close() {
      say();
      if (times > 1) log.warn(`${all} undelivered records dropped in all`);
    },
  };
}
