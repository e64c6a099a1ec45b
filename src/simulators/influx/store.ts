import { type FieldValue, LineError, type Point, parseLine } from './line.ts';

/** A point that was stored. */
export interface StoredPoint extends Point {
  database: string;
  /** Milliseconds since 1970. */
  time: number;
}

/** A line that was not, and why; `parsed` tells a fault of form from one of content. */
export interface BadLine {
  line: string;
  /** From 1. */
  number: number;
  why: string;
  parsed: boolean;
}

/** What came of a body. */
export interface Written {
  stored: readonly StoredPoint[];
  bad: readonly BadLine[];
}

/** Points by database; the first write of a field fixes its type. */
export interface Store {
  /** Stores all lines that can be; `refuse` says of a line why it is not taken although it could be. */
  write(
    database: string,
    body: string,
    toMs: (timestamp: number) => number,
    now: number,
    refuse: (line: string) => string | undefined,
  ): Written;
  points(): readonly StoredPoint[];
}

/** An empty store. A point with the same series and time takes the place of the one before, field by field. */
export function createStore(): Store {
  const types = new Map<string, FieldValue['type']>();
  const points = new Map<string, StoredPoint>();

  const conflict = (database: string, { measurement, fields }: Point): string | undefined => {
    for (const [name, { type }] of Object.entries(fields)) {
      const known = types.get(JSON.stringify([database, measurement, name]));
      if (known !== undefined && known !== type) {
        return `field type conflict: input field "${name}" on measurement "${measurement}" is type ${type}, already exists as type ${known}`;
      }
    }
    return undefined;
  };

  const keep = (point: StoredPoint): void => {
    for (const [name, { type }] of Object.entries(point.fields)) {
      types.set(JSON.stringify([point.database, point.measurement, name]), type);
    }
    const tags = Object.entries(point.tags).sort();
    const id = JSON.stringify([point.database, point.measurement, tags, point.time]);
    const before = points.get(id);
    points.set(id, before ? { ...point, fields: { ...before.fields, ...point.fields } } : point);
  };

  return {
    points: () => [...points.values()],
    write(database, body, toMs, now, refuse) {
      const stored: StoredPoint[] = [];
      const bad: BadLine[] = [];
      for (const [index, line] of body.split('\n').entries()) {
        if (line.trim() === '' || line.startsWith('#')) continue;
        const reject = (why: string, parsed: boolean): void => void bad.push({ line, number: index + 1, why, parsed });
        try {
          const point = parseLine(line);
          const why = refuse(line) ?? conflict(database, point);
          if (why !== undefined) {
            reject(why, true);
            continue;
          }
          const whole = { ...point, database, time: point.timestamp === undefined ? now : toMs(point.timestamp) };
          keep(whole);
          stored.push(whole);
        } catch (error) {
          if (!(error instanceof LineError)) throw error;
          reject(error.message, false);
        }
      }
      return { stored, bad };
    },
  };
}
