import { type Problem, placeOf } from '../filters/mapping/model.ts';
import { type MappingReading, readMapping } from '../filters/mapping/read.ts';
import { isJsonObject } from '../records/json.ts';
import { fail } from '../runtime/exit.ts';
import { readText } from '../runtime/text-file.ts';

/** A mapping from outside, read, with the way to name a place in it. */
export interface OuterMapping extends MappingReading {
  /** The record type that it is for, where it names one. */
  reads: string | undefined;
  /** `map.yaml:12: soc.paths[0]`. */
  place(problem: Problem): string;
}

function interpret(tree: unknown, place: OuterMapping['place']): OuterMapping {
  const { reads, ...fields } = isJsonObject(tree) ? tree : {};
  const reading = readMapping(isJsonObject(tree) ? fields : tree);
  if (reads !== undefined && typeof reads !== 'string') {
    reading.problems.push({ at: ['reads'], message: 'expected a record type' });
  }
  return { ...reading, reads: typeof reads === 'string' ? reads : undefined, place };
}

/** The section `mapping` of the configuration. */
export function mappingOfConfig(tree: unknown): OuterMapping {
  return interpret(tree, (problem) => ['mapping', placeOf(problem)].filter(Boolean).join('.'));
}

/** A mapping file, YAML or JSON (which is YAML too). Throws when it can't be read or parsed at all. */
export async function mappingOfFile(file: string): Promise<OuterMapping> {
  const text = readText(file, 'config', `mapping ${file}`);
  const { LineCounter, parseDocument } = await import('yaml');
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [fault] = document.errors;
  if (fault) throw fail('config', `mapping ${file}: ${fault.message.split('\n')[0]}`);

  /** The line of the deepest part of the place that the file has. */
  const lineOf = (at: Problem['at']): number => {
    for (let depth = at.length; depth > 0; depth--) {
      const node = document.getIn(at.slice(0, depth), true) as { range?: readonly number[] } | undefined;
      if (node?.range) return lines.linePos(node.range[0] ?? 0).line;
    }
    return 1;
  };
  return interpret(document.toJS() ?? {}, (problem) =>
    [`${file}:${lineOf(problem.at)}`, placeOf(problem)].filter(Boolean).join(': '),
  );
}
