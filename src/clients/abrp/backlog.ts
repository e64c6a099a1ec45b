import type { Tlm } from '../../protocols/abrp/telemetry.ts';
import type { VoltRecord } from '../../records/record.ts';

/** A point to send, and the inputs that are safe once it is taken: its own and those that it superseded. */
export interface Point {
  tlm: Tlm;
  record: VoltRecord;
  /** Ordinals of inputs, in no order. */
  covers: number[];
}

/** A point that waits in its span of measured time. */
export interface Waiting extends Point {
  /** `utc` of the span's first point. */
  since: number;
}

/** The points of one vehicle that wait, oldest first. The newest is never lost. */
export interface Backlog {
  add(point: Point): void;
  /** Takes up to `n` of the oldest out. */
  take(n: number): Waiting[];
  /** Puts what was taken and not delivered in front again. */
  putBack(points: readonly Waiting[]): void;
  readonly size: number;
}

/**
 * Makes an empty backlog.
 *
 * @param span seconds of measured time of which only the newest point waits; Infinity: of all
 */
export function createBacklog(span: number): Backlog {
  let waiting: Waiting[] = [];

  const append = (point: Waiting): void => {
    const last = waiting.at(-1);
    if (!last || point.since - last.since >= span) {
      waiting.push(point);
      return;
    }
    for (const ordinal of point.covers) last.covers.push(ordinal);
    // One that is late tells nothing new, whenever it comes.
    if (point.tlm.utc < last.tlm.utc) return;
    last.tlm = point.tlm;
    last.record = point.record;
  };

  return {
    get size() {
      return waiting.length;
    },
    add: (point) => append({ ...point, since: point.tlm.utc }),
    take: (n) => waiting.splice(0, n),
    putBack(points) {
      const newer = waiting;
      waiting = [...points];
      for (const point of newer) append(point);
    },
  };
}
