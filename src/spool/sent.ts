/** What has gone out and is not yet known to be delivered. */
export interface Sent {
  /** `lines` more lines stand for the records `first` to `last`: one each, or one for all. */
  add(lines: number, first: number, last: number): void;
  /** The first `count` lines, ever, are delivered. More than were sent count as all. */
  delivered(count: number): void;
  /** Lines that are out. */
  readonly lines: number;
  /** Lines of them that are not delivered. */
  readonly open: number;
}

interface Run {
  /** Ordinal of the line before the first. */
  before: number;
  lines: number;
  first: number;
  last: number;
}

/**
 * Translates counts of lines into numbers of records. Neighbours are kept together, so that a backlog of any length takes no memory.
 *
 * @param report gets records that are delivered
 */
export function createSent(report: (first: number, last: number) => void): Sent {
  const runs: Run[] = [];
  let lines = 0;
  let delivered = 0;

  const isPlain = ({ lines: count, first, last }: Pick<Run, 'lines' | 'first' | 'last'>): boolean =>
    last - first + 1 === count;

  return {
    get lines() {
      return lines;
    },
    get open() {
      return lines - delivered;
    },
    add(count, first, last) {
      const newest = runs.at(-1);
      if (newest && newest.last + 1 === first && isPlain(newest) && isPlain({ lines: count, first, last })) {
        newest.lines += count;
        newest.last = last;
      } else {
        runs.push({ before: lines, lines: count, first, last });
      }
      lines += count;
    },
    delivered(count) {
      delivered = Math.max(delivered, Math.min(count, lines));
      while (runs[0] && runs[0].before < delivered) {
        const run = runs[0];
        const part = Math.min(run.lines, delivered - run.before);
        if (part === run.lines) {
          runs.shift();
          report(run.first, run.last);
          continue;
        }
        report(run.first, run.first + part - 1);
        run.before += part;
        run.lines -= part;
        run.first += part;
      }
    },
  };
}
