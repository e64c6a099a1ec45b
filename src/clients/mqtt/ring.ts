import type { Job } from './publisher.ts';

/** Messages that wait for a broker, while nobody who offers them can wait: held to bounds, the oldest goes. */
export interface Ring {
  /** Takes a message in; another one may go for it. */
  push(job: Job): void;
  /** Takes all of them out, in their order. */
  drain(): Job[];
  readonly size: number;
}

/** How much may wait. */
export interface RingOptions {
  /** Messages beside those that are the last word on a retained topic: these go for a newer one of their topic alone. */
  buffer: number;
  /** Messages at most, the last words with them. */
  most: number;
  maxBytes: number;
  onDropped(job: Job): void;
}

interface Entry {
  job: Job;
  /** Of its coming. */
  number: number;
}

export const sizeOf = ({ topic, payload }: Job): number => topic.length + payload.length;

/** Where a number belongs among entries in order; most belong at the end. */
function placeOf(entries: readonly Entry[], number: number): number {
  let at = entries.length;
  while (at > 0 && entries[at - 1]!.number > number) at--;
  return at;
}

/** Makes an empty ring. */
export function createRing({ buffer, most, maxBytes, onDropped }: RingOptions): Ring {
  const entries = new Set<Entry>();
  /** Those that are no last word, in their order. */
  const passing: Entry[] = [];
  const lastWords = new Map<string, Entry>();
  let number = 0;
  let bytes = 0;

  const pass = (entry: Entry): void => {
    passing.splice(placeOf(passing, entry.number), 0, entry);
  };

  const drop = (entry: Entry): void => {
    entries.delete(entry);
    bytes -= sizeOf(entry.job);
    if (lastWords.get(entry.job.topic) === entry) lastWords.delete(entry.job.topic);
    else passing.splice(passing.indexOf(entry), 1);
    onDropped(entry.job);
  };

  return {
    get size() {
      return entries.size;
    },
    push(job) {
      const entry = { job, number: number++ };
      entries.add(entry);
      bytes += sizeOf(job);
      if (job.retain) {
        const before = lastWords.get(job.topic);
        lastWords.set(job.topic, entry);
        if (before) pass(before);
      } else passing.push(entry);
      while (passing.length > buffer) drop(passing[0]!);
      while (entries.size > most || (bytes > maxBytes && entries.size > 1)) drop(entries.values().next().value!);
    },
    drain() {
      const jobs = [...entries].map(({ job }) => job);
      entries.clear();
      passing.length = 0;
      lastWords.clear();
      bytes = 0;
      return jobs;
    },
  };
}
