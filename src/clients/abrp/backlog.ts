import type { Tlm } from '../../protocols/abrp/telemetry.ts';
import type { VoltRecord } from '../../records/record.ts';

/** A point to send, and the inputs that are safe once it is taken: its own and those that it superseded. */
export interface Point {
  tlm: Tlm;
  record: VoltRecord;
  /** Ordinals of inputs. */
  covers: readonly number[];
}

/** A point that waits in its span of measured time. */
export interface Waiting extends Point {
  /** `utc` of the span's first point. */
  since: number;
}

/** How points wait. */
export interface BacklogOptions {
  /** Seconds of measured time of which only the newest point waits. Infinity: of all. */
  span: number;
  /** Points that wait at most; beyond, the oldest are superseded. */
  max: number;
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

/** `newer` stands for `older` too, in its span, and answers for its inputs. */
function supersede(older: Waiting, newer: Point): Waiting {
  return { ...newer, since: older.since, covers: [...older.covers, ...newer.covers] };
}

/** Makes an empty backlog. */
export function createBacklog({ span, max }: BacklogOptions): Backlog {
  let waiting: Waiting[] = [];

  const append = (point: Waiting): void => {
    const last = waiting.at(-1);
    if (!last || point.since - last.since >= span) {
      waiting.push(point);
      return;
    }
    // One that is late tells nothing new, whenever it comes.
    const isLate = point.tlm.utc < last.tlm.utc;
    const covers = [...last.covers, ...point.covers];
    waiting[waiting.length - 1] = isLate ? { ...last, covers } : supersede(last, point);
  };

  const squeeze = (): void => {
    const over = waiting.splice(0, Math.max(0, waiting.length - max)).flatMap(({ covers }) => covers);
    const [oldest] = waiting;
    if (oldest && over.length > 0) waiting[0] = { ...oldest, covers: [...over, ...oldest.covers] };
  };

  return {
    get size() {
      return waiting.length;
    },
    add(point) {
      append({ ...point, since: point.tlm.utc });
      squeeze();
    },
    take: (n) => waiting.splice(0, n),
    putBack(points) {
      const newer = waiting;
      waiting = [...points];
      for (const point of newer) append(point);
      squeeze();
    },
  };
}
