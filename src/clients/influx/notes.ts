import type { Skipped } from '../../protocols/influx/encoder.ts';
import type { VoltRecord } from '../../records/record.ts';
import { type Clock, timestamp } from '../../runtime/clock.ts';
import type { Log } from '../../runtime/log.ts';

/** What a writer tells people: once on loss, once on recovery, and how much is gone at most once a minute. */
export interface Notes {
  unavailable(message: string, held: number): void;
  refused(message: string, wait: number): void;
  taken(): void;
  madeDatabase(): void;
  /** `count` more records were given up, `total` so far; the times are those of the first and last in milliseconds. */
  dropped(count: number, total: number, from: number, to: number): void;
  skipped(why: Skipped, record: VoltRecord): void;
  /** Says the totals of what was said in part. */
  sumUp(): void;
}

const between = 60_000;

/** Makes the notes of one writer. */
export function createNotes(log: Log, clock: Clock, shownUrl: string): Notes {
  let saidDrop = Number.NEGATIVE_INFINITY;
  let unsaid = 0;
  let total = 0;
  const skips = new Map<string, number>();

  const sayDrops = (): void => {
    if (unsaid > 0) log.warn(`${unsaid} records dropped: the queue is full and the server takes none`, { total });
    unsaid = 0;
    saidDrop = clock.monotonic();
  };

  return {
    unavailable(message, held) {
      log.lost('server', `${shownUrl} takes no records; they wait`, { why: message, waiting: held });
    },
    refused(message, wait) {
      log.lost('server', `${shownUrl} refuses the credentials; asked again in ${Math.round(wait / 1000)} s`, {
        why: message,
      });
    },
    taken() {
      if (unsaid > 0) sayDrops();
      log.recovered('server', `${shownUrl} takes records again`, total > 0 ? { dropped: total } : {});
    },
    madeDatabase: () => log.info('the database was not there and has been made'),
    dropped(count, sum, from, to) {
      unsaid += count;
      total = sum;
      if (clock.monotonic() - saidDrop < between) return;
      log.debug('oldest dropped', { from: timestamp(from), to: timestamp(to) });
      sayDrops();
    },
    skipped(why, record) {
      const type = String(record.type);
      const before = skips.get(why) ?? 0;
      skips.set(why, before + 1);
      if (before === 0 && why !== 'no field') log.warn('a record can not be written, and is skipped', { why, type });
      else if (before === 0) log.info('a record has nothing to write, and is skipped', { why, type });
    },
    sumUp() {
      if (unsaid > 0) sayDrops();
      for (const [why, count] of skips) if (count > 1) log.info(`${count} records were skipped`, { why });
    },
  };
}
