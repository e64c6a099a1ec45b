import { predictedCharge } from '../../protocols/bmw/values.ts';
import { subjects } from './conditions.ts';
import type { FieldMapping, Mapping, Problem } from './model.ts';
import { parsePath } from './path.ts';

const isPath = (name: string): boolean => /[.$[]/.test(name);

/** The paths of a mapping that need a `JsonPath`. */
export function searchesOf(mapping: Mapping): string[] {
  const texts = [...mapping.values()].flatMap(({ candidates }) =>
    candidates.flatMap(({ path, product = [], when }) => [path ?? [], product, subjects(when)].flat().filter(isPath)),
  );
  return texts.filter((text) => leadsToMany(text));
}

function leadsToMany(text: string): boolean {
  try {
    return parsePath(text).steps === undefined;
  } catch {
    return false; // said by `withHelpers`, with its place
  }
}

/** Gives every path that stands in a product or a condition a helper of its own, so that it too is merged by time. */
export function withHelpers(mapping: Mapping, problems: Problem[]): Map<string, FieldMapping> {
  const all = new Map(mapping);
  const refer = (name: string, at: Problem['at']): void => {
    try {
      if (!isPath(name)) throw new Error('is no field of this mapping');
      parsePath(name);
      all.set(name, { candidates: [{ path: name }] });
    } catch (error) {
      problems.push({ at, message: `${JSON.stringify(name)} ${(error as Error).message}` });
      all.set(name, { candidates: [] });
    }
  };
  mapping.forEach(({ candidates }, name) => {
    for (const { field, product, when, at } of candidates) {
      const place = (...rest: (string | number)[]): Problem['at'] => [...(at ?? [name]), ...rest];
      if (field !== undefined && !all.has(field)) refer(field, place('field'));
      product?.forEach((factor, k) => {
        if (!all.has(factor)) refer(factor, place('product', k));
      });
      for (const subject in when) if (!all.has(subject)) refer(subject, place('when', subject));
    }
  });
  return all;
}

const nothing: readonly string[] = [];

/** The fields and paths that a field looks at. */
function referencesOf(field: FieldMapping | undefined): readonly string[] {
  let found = nothing;
  for (const { field: source, product, when } of field?.candidates ?? []) {
    if (source !== undefined) found = [...found, source];
    if (product) found = [...found, ...product];
    if (when) found = [...found, ...subjects(when)];
  }
  return found;
}

/** Says where a predicted charge would reach `soc` by way of other fields; the reader has refused it as a path of its own. */
export function refusePrediction(all: ReadonlyMap<string, FieldMapping>, problems: Problem[]): void {
  const seen = new Set<string>();
  const visit = (name: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    for (const { path, field, product = [], at = [name] } of all.get(name)?.candidates ?? []) {
      if (path?.includes(predictedCharge)) problems.push({ at, message: `${predictedCharge} would become soc` });
      for (const source of field === undefined ? product : [field]) visit(source);
    }
  };
  visit('soc');
}

/** The fields that are wanted and those they look at, each after what it looks at; and what that is. */
export function sorted(
  all: ReadonlyMap<string, FieldMapping>,
  wanted: readonly string[],
  problems: Problem[],
): { order: string[]; references: ReadonlyMap<string, readonly string[]> } {
  const order: string[] = [];
  const references = new Map<string, readonly string[]>();
  const done = new Set<string>();
  const visit = (name: string, from: string): void => {
    if (done.has(name)) return;
    if (references.has(name)) {
      problems.push({ at: [from], message: `looks at ${name}, which looks at it in turn` });
      return;
    }
    const found = referencesOf(all.get(name));
    references.set(name, found);
    for (const reference of found) visit(reference, name);
    done.add(name);
    order.push(name);
  };
  for (const name of wanted) visit(name, name);
  return { order, references };
}
