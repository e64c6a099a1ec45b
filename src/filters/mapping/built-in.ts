import type { JsonObject } from '../../records/json.ts';
import { type CompileOptions, compile } from './compile.ts';
import type { Candidate, FieldMapping, Mapping, Qualities } from './model.ts';
import type { Program } from './program.ts';
import { durationOf } from './read.ts';

/** A field of a built-in mapping. */
type Field =
  | readonly (string | Candidate)[]
  | (Qualities & { paths: readonly (string | Candidate)[]; maxAge?: string; hold?: string; odometer?: boolean });

/**
 * Reads a built-in mapping: what `readMapping` makes of it, without the places of its parts, in a third of the time. It checks
 * nothing, since the tests have checked what is built in.
 */
export function readBuiltIn(document: JsonObject): Mapping {
  const mapping = new Map<string, FieldMapping>();
  for (const name of Object.keys(document)) {
    const given = document[name] as Field;
    if (Array.isArray(given)) {
      mapping.set(name, { candidates: given.map(candidateOf) });
      continue;
    }
    const { paths, maxAge, hold, odometer, ...rest } = given as Exclude<Field, readonly unknown[]>;
    const field: FieldMapping = { candidates: paths.map((item) => ({ ...rest, ...candidateOf(item) })) };
    if (maxAge !== undefined) field.maxAge = durationOf(maxAge) ?? 0;
    if (hold !== undefined) field.hold = durationOf(hold) ?? 0;
    if (odometer === true) field.odometer = true;
    mapping.set(name, field);
  }
  return mapping;
}

const candidateOf = (item: string | Candidate): Candidate => (typeof item === 'string' ? { path: item } : item);

/** The program of a built-in mapping. Its paths lead to one place each: nothing has to be loaded to search. */
export function compileBuiltIn(document: JsonObject, options: Omit<CompileOptions, 'jsonPath'>): Program {
  const jsonPath = (path: string): never => {
    throw new Error(`${path} of a built-in mapping is a search`);
  };
  return compile(readBuiltIn(document), { ...options, jsonPath }).program;
}
