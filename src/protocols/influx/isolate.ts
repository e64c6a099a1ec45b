/** Lines that a message means, found without asking again. */
export interface Isolated {
  /** Indices into the lines, with the reason of each. */
  rejected: ReadonlyMap<number, string>;
  /** The server may have hidden further faults behind this one. */
  askAgain: boolean;
}

/** `unable to parse '<line>': <reason>`, one a line; a quote in the line itself can't be told from its end, so it is taken whole. */
const unparsed = /unable to parse '(.*?)': ([^\n]+?)(?: dropped=\d+)?$/gm;

const conflict = /field type conflict: input field "(.*)" on measurement "(.*)" is type (\w+), already exists/;

const all = (indices: readonly number[], reason: string, askAgain: boolean): Isolated => ({
  rejected: new Map(indices.map((index) => [index, reason])),
  askAgain,
});

/** The lines that 1.x or 2.x says it could not parse. */
function unparsable(lines: readonly string[], message: string): Isolated | undefined {
  const named = new Map([...message.matchAll(unparsed)].map(([, line, why]) => [line, `unable to parse: ${why}`]));
  const found = new Set(lines.filter((line) => named.has(line)));
  if (named.size === 0 || found.size !== named.size) return undefined;
  const rejected = [...lines.keys()].filter((index) => named.has(lines[index]));
  return { rejected: new Map(rejected.map((index) => [index, named.get(lines[index])!])), askAgain: true };
}

/** The time stamp that ends a line. */
const timeOf = (line: string): number => Number(line.slice(line.lastIndexOf(' ') + 1));

/** A retention policy ends at a time: what it dropped are the oldest. */
function tooOld(lines: readonly string[], message: string, dropped: number | undefined): Isolated | undefined {
  if (dropped === undefined || !message.includes('beyond retention policy')) return undefined;
  const byAge = [...lines.keys()].sort((a, b) => timeOf(lines[a]!) - timeOf(lines[b]!));
  return all(byAge.slice(0, dropped), message, true);
}

const shapes: Readonly<Record<string, RegExp>> = {
  float: /^-?[\d.]+(?:[eE][-+]?\d+)?$/,
  integer: /^-?\d+i$/,
  boolean: /^(?:true|false)$/,
  string: /^"/,
};

/** All lines of the measurement with the field in the type that the message names, if they are as many as were dropped. */
function conflicting(lines: readonly string[], message: string, dropped: number | undefined): Isolated | undefined {
  const [, field = '', measurement = '', type = ''] = conflict.exec(message) ?? [];
  const shape = shapes[type];
  if (dropped === undefined || !shape || /[\\,= "]/.test(field + measurement)) return undefined;
  const value = new RegExp(`^${escaped(measurement)}(?=[ ,]).*[ ,]${escaped(field)}=("|[^, ]+)`);
  const rejected = [...lines.keys()].filter((index) => shape.test(value.exec(lines[index]!)?.[1] ?? '-'));
  return rejected.length === dropped ? all(rejected, message, true) : undefined;
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Finds the lines that an answer rejects; undefined where the message does not say enough. */
export function isolate(lines: readonly string[], message: string, dropped: number | undefined): Isolated | undefined {
  if (dropped !== undefined && dropped >= lines.length) return all([...lines.keys()], message, false);
  return unparsable(lines, message) ?? tooOld(lines, message, dropped) ?? conflicting(lines, message, dropped);
}
