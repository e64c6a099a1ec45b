import type { VoltRecord } from '../records/record.ts';
import { type Clock, timestamp } from './clock.ts';
import type { Queue, QueueOptions } from './queue.ts';

interface Hole {
  from: number;
  to: number;
  count: number;
}

/**
 * A bounded queue. With `drop-oldest` the hole that dropping leaves is told by a `gap` record in its place: what comes out is
 * either every record, or says where it is not.
 *
 * @param dropped told of each record that went
 */
export function createQueue(options: QueueOptions, clock: Clock, dropped: (record: VoltRecord) => void): Queue {
  let items: VoltRecord[] = [];
  let hole: Hole | undefined;
  let paused = false;
  let ended = false;
  let failure: Error | undefined;
  let wake: (() => void) | undefined;

  const ring = (): void => {
    wake?.();
    wake = undefined;
  };

  const end = (): void => {
    ended = true;
    ring();
  };

  const fail = (error: Error): void => {
    failure = error;
    end();
  };

  const drop = (): void => {
    const record = items.shift()!;
    const measured = Date.parse(record.time ?? '');
    const at = Number.isNaN(measured) ? clock.now() : measured;
    hole = hole
      ? { from: Math.min(hole.from, at), to: Math.max(hole.to, at), count: hole.count + 1 }
      : { from: at, to: at, count: 1 };
    dropped(record);
  };

  const gap = (found: Hole): VoltRecord => ({
    type: 'gap',
    time: timestamp(clock.now()),
    source: options.source ?? 'queue',
    from: timestamp(found.from),
    to: timestamp(found.to),
    count: found.count,
    reason: 'queue full: the reader is too slow',
  });

  return {
    get size() {
      return items.length;
    },
    push(record) {
      if (ended) return dropped(record);
      if (items.length >= options.max && options.policy === 'drop-oldest') drop();
      items.push(record);
      if (options.policy === 'pause' && items.length >= options.max && !paused) {
        paused = true;
        options.onPause?.();
      }
      ring();
    },
    end,
    fail,
    endWith: (work) => work.then(end, fail),
    async *[Symbol.asyncIterator]() {
      try {
        for (;;) {
          while (items.length > 0) {
            if (hole) {
              const found = hole;
              hole = undefined;
              yield gap(found);
              continue;
            }
            const record = items.shift()!;
            if (paused && items.length <= options.max / 2) {
              paused = false;
              options.onResume?.();
            }
            yield record;
          }
          if (failure) throw failure;
          if (ended) return;
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      } finally {
        ended = true;
        for (const record of items) dropped(record);
        items = [];
      }
    },
  };
}
