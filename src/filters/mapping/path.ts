/** A step of a path that names one place: a key of an object or an index of an array. */
export type Step = string | number;

/** A path of a mapping, read. */
export interface Path {
  text: string;
  /** The steps of a path that leads to one place; undefined for one with wildcards, slices, unions or descents. */
  steps: readonly Step[] | undefined;
  /** Written without `$`: `a.b.c` may be one key with dots in it, as BMW's descriptors are. */
  bare: boolean;
}

/** Thrown for a text that is no path; the message says what and where. */
export class PathError extends Error {}

/** What ends a word of a bare name, the dot between two words apart. */
const noWord = /[\s[\]'"$]/;

const isBareName = (text: string): boolean =>
  text !== '' && !noWord.test(text) && !text.startsWith('.') && !text.endsWith('.') && !text.includes('..');

/** The first word of a bare name; undefined for any other path. */
export function firstOfBareName(text: string): string | undefined {
  if (!isBareName(text)) return undefined;
  const dot = text.indexOf('.');
  return dot < 0 ? text : text.slice(0, dot);
}

const unquote = (text = ''): string => text.replace(/\\(.)/gs, '$1');

type Segment = readonly [RegExp, read?: (text: string | undefined) => Step];

/** The segments of a JSONPath, and which step one is; a segment without a reader leads to many places. */
const makeSegments = (): readonly Segment[] => [
  [/\.([\p{L}\p{N}_$@-]+)/uy, (name) => name ?? ''],
  [/\[\s*'((?:[^'\\]|\\.)*)'\s*\]/y, unquote],
  [/\[\s*"((?:[^"\\]|\\.)*)"\s*\]/y, unquote],
  [/\[\s*(-?\d+)\s*\]/y, Number],
  [/\.\*|\[\s*\*\s*\]/y],
  [/\.\.(?:[\p{L}\p{N}_$@-]+|\*|(?=\[))/uy],
  [/\[\s*-?\d*\s*:\s*-?\d*\s*(?::\s*-?\d*\s*)?\]/y],
  [/\[\s*(?:'[^']*'|"[^"]*"|-?\d+)(?:\s*,\s*(?:'[^']*'|"[^"]*"|-?\d+))+\s*\]/y],
];

/** Made when the first path asks: most mappings have bare names alone, and Unicode classes take long to set up. */
let segments: readonly Segment[] | undefined;

/**
 * Reads a path: a JSONPath that begins with `$`, in dots or brackets, or a bare name such as a CarData descriptor.
 *
 * Filters and scripts (`[?(…)]`, `[(…)]`) are refused: a mapping is data and runs no code.
 */
export function parsePath(text: string): Path {
  if (!text.startsWith('$')) {
    if (isBareName(text)) return { text, steps: text.split('.'), bare: true };
    if (!/^[\w-]+[.[]/.test(text)) throw new PathError('is no path');
    return { ...parsePath(`$.${text}`), text };
  }
  const steps: Step[] = [];
  let single = true;
  for (let at = 1; at < text.length; ) {
    if (/^\[\s*\??\(|^\[\s*\?/.test(text.slice(at))) {
      throw new PathError(`has a filter or script at character ${at + 1}: only paths are evaluated`);
    }
    const segment = segmentAt(text, at);
    at += segment.length;
    if (segment.step === undefined) single = false;
    else steps.push(segment.step);
  }
  return { text, steps: single ? steps : undefined, bare: false };
}

function segmentAt(text: string, at: number): { length: number; step: Step | undefined } {
  segments ??= makeSegments();
  for (const [expression, read] of segments) {
    expression.lastIndex = at;
    const match = expression.exec(text);
    if (match) return { length: match[0].length, step: read?.(match[1]) };
  }
  throw new PathError(`is no JSONPath from character ${at + 1} on, ${JSON.stringify(text.slice(at, at + 12))}`);
}

/** Follows the steps; undefined where they lead nowhere. Own properties only, so that no path reaches into JavaScript. */
export function accessor(steps: readonly Step[]): (record: unknown) => unknown {
  return (record) => {
    let place = record;
    for (const step of steps) {
      if (typeof place !== 'object' || place === null) return undefined;
      if (typeof step === 'number') place = Array.isArray(place) ? place.at(step) : undefined;
      else if (Object.hasOwn(place, step)) place = (place as Record<string, unknown>)[step];
      else return undefined;
    }
    return place;
  };
}
