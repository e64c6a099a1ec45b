import type { Clock } from '../runtime/clock.ts';
import { addDone, type Done, firstUndone, lastUndone } from './done.ts';
import type { Chunk, Limits, Reader } from './reader.ts';

/** In which order records go out. */
export type Order = 'fifo' | 'live-first';

/** What a feed is made of. */
export interface FeedOptions {
  order: Order;
  /** Records a second that the backlog may take, in `live-first`; undefined: as many as there are. */
  drainRate: number | undefined;
  clock: Clock;
  done(): Done;
  reader(from: number): Reader;
  /** Number of the newest record that can be read. */
  newest(): number;
}

/** Hands out records in the order that is wanted. */
export interface Feed {
  /** The next records; undefined when there are none at the moment, or none that may go out now. */
  next(): Promise<Chunk | undefined>;
  /** Milliseconds after which there may be some although nothing was written; undefined: never. */
  readonly wait: number | undefined;
  /** Begins anew with what is not delivered. In `live-first` the newest records come first. */
  rewind(): Promise<void>;
  /** Whoever takes the records took none for a while. In `live-first` the newest records come next. */
  interrupted(): Promise<void>;
  /** Everything has been handed out. */
  isDrained(): boolean;
  close(): Promise<void>;
}

/** Whoever took nothing for so many milliseconds was interrupted. */
export const interruptedAfter = 5000;

/** After an interruption so many of the newest records count as live (ESP-86); what is before them is backlog. */
const liveAfterOutage = 10;

const copyOf = ({ upTo, ranges }: Done): Done => ({ upTo, ranges: ranges.map(([first, last]) => [first, last]) });

/** Reads on behind what has been handed out or delivered already. */
async function readOn(reader: Reader, out: Done, limits: Limits = {}): Promise<Chunk | undefined> {
  await reader.seek(firstUndone(out, reader.wanted));
  const upTo = Math.min(limits.upTo ?? Number.POSITIVE_INFINITY, lastUndone(out, reader.wanted));
  const chunk = reader.wanted > upTo ? undefined : await reader.next({ ...limits, upTo });
  if (chunk) addDone(out, chunk.first, chunk.last);
  return chunk;
}

/** Oldest first. Records that an earlier run delivered out of order are passed over. */
function fifo({ done, reader, newest }: FeedOptions): Feed {
  let out = copyOf(done());
  let source = reader(firstUndone(out, 0));
  return {
    wait: undefined,
    next: () => readOn(source, out),
    async rewind() {
      await source.close();
      out = copyOf(done());
      source = reader(firstUndone(out, 0));
    },
    async interrupted() {},
    isDrained: () => firstUndone(out, 0) > newest(),
    close: () => source.close(),
  };
}

/** Two readers of one log: what is live as it comes, what is behind it at its own pace. */
function liveFirst({ done, reader, newest, drainRate, clock }: FeedOptions): Feed {
  const liveFrom = (): number => newest() + 1 - liveAfterOutage;
  let out = copyOf(done());
  let live = reader(Math.max(firstUndone(out, 0), liveFrom()));
  let old = reader(firstUndone(out, 0));
  let allowance = 0;
  let countedAt = clock.monotonic();
  let wait: number | undefined;

  /** Records of the backlog that may go now: at most those of one second together. */
  const allowed = (rate: number): number => {
    const now = clock.monotonic();
    allowance = Math.min(Math.max(1, rate), allowance + ((now - countedAt) / 1000) * rate);
    countedAt = now;
    return Math.floor(allowance);
  };

  const oldest = async (): Promise<Chunk | undefined> => {
    const end = live.wanted - 1;
    if (drainRate === undefined) return readOn(old, out, { upTo: end });
    if (firstUndone(out, 0) > end) return undefined;
    const lines = allowed(drainRate);
    if (lines < 1) {
      wait = Math.ceil(((1 - allowance) / drainRate) * 1000);
      return undefined;
    }
    const chunk = await readOn(old, out, { upTo: end, lines });
    if (chunk) allowance -= chunk.lines;
    return chunk;
  };

  return {
    get wait() {
      return wait;
    },
    async next() {
      wait = undefined;
      return (await readOn(live, out)) ?? (await oldest());
    },
    async rewind() {
      await Promise.all([live.close(), old.close()]);
      out = copyOf(done());
      live = reader(Math.max(firstUndone(out, 0), liveFrom()));
      old = reader(firstUndone(out, 0));
    },
    async interrupted() {
      await live.seek(Math.max(live.wanted, liveFrom()));
      await old.close();
      old = reader(firstUndone(out, 0));
    },
    isDrained: () => firstUndone(out, 0) > newest(),
    async close() {
      await Promise.all([live.close(), old.close()]);
    },
  };
}

/** Makes a feed. */
export function createFeed(options: FeedOptions): Feed {
  return options.order === 'fifo' ? fifo(options) : liveFirst(options);
}
