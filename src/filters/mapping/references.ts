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
    if (all.has(name)) return;
    try {
      if (!isPath(name)) throw new Error('is no field of this mapping');
      parsePath(name);
      all.set(name, { candidates: [{ path: name }] });
    } catch (error) {
      problems.push({ at, message: `${JSON.stringify(name)} ${(error as Error).message}` });
      all.set(name, { candidates: [] });
    }
  };
  for (const [name, { candidates }] of mapping) {
    for (const { field, product, when, at = [name] } of candidates) {
      if (field !== undefined) refer(field, [...at, 'field']);
      product?.forEach((factor, k) => {
        refer(factor, [...at, 'product', k]);
      });
      for (const subject of subjects(when)) refer(subject, [...at, 'when', subject]);
    }
  }
  return all;
}

/** The fields and paths that a field looks at. */
export const referencesOf = ({ candidates }: FieldMapping): string[] =>
  candidates.flatMap(({ field, product, when }) => [field ?? [], product ?? [], subjects(when)].flat());

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

/** The fields that are wanted and those they look at, each after what it looks at. */
export function sorted(
  all: ReadonlyMap<string, FieldMapping>,
  wanted: Iterable<string>,
  problems: Problem[],
): string[] {
  const order: string[] = [];
  const state = new Map<string, 'open' | 'done'>();
  const visit = (name: string, from: string): void => {
    if (state.get(name) === 'done') return;
    if (state.get(name) === 'open') {
      problems.push({ at: [from], message: `looks at ${name}, which looks at it in turn` });
      return;
    }
    state.set(name, 'open');
    for (const reference of referencesOf(all.get(name) ?? { candidates: [] })) visit(reference, name);
    state.set(name, 'done');
    order.push(name);
  };
  for (const name of wanted) visit(name, name);
  return order;
}
