import { enumerations } from '../../protocols/bmw/values.ts';
import type { RecordKey } from '../../records/family.ts';
import { clean, conversion, unitOf } from '../units.ts';
import type { Value } from '../values.ts';
import { type Check, checkOf, subjects } from './conditions.ts';
import { type Convert, converter } from './convert.ts';
import type { Candidate, FieldMapping, Mapping, Problem } from './model.ts';
import { accessor, parsePath, type Step } from './path.ts';
import type { Choice, Input, Lookups, Program, Reader, Rule, Vehicle } from './program.ts';
import { mappable } from './read.ts';
import { keyText } from './write.ts';

/** Evaluates JSONPaths that lead to many places; handed in, because the package that can is loaded only when it is needed. */
export type JsonPath = (path: string) => (record: unknown) => readonly unknown[];

/** What shapes a program beyond its mapping. */
export interface CompileOptions {
  jsonPath: JsonPath;
  /** Fields that are left out of the record. */
  drop?: ReadonlySet<string>;
  /** Field → maximal age in milliseconds, over that of the mapping; `*` is for all. */
  maxAge?: ReadonlyMap<string, number>;
}

/** A candidate takes over from an earlier one that was not heard of for this long. */
const usualHold = 5 * 60_000;

/** A value that holds always, such as the model. */
const isConstant = ({ value, when }: Candidate): boolean => value !== undefined && when === undefined;
const isHelper = (name: string): boolean => name.startsWith('_');
const isPath = (name: string): boolean => /[.$[]/.test(name);

/** The paths of a mapping that need {@link JsonPath}. */
export function searchesOf(mapping: Mapping): string[] {
  const texts = [...mapping.values()].flatMap(({ candidates }) =>
    candidates.flatMap(({ path, product = [], when }) => [path ?? [], product, subjects(when)].flat().filter(isPath)),
  );
  return texts.filter((text) => parsePath(text).steps === undefined);
}

/** Gives every path that stands in a product or a condition a helper of its own, so that it too is merged by time. */
function withHelpers(mapping: Mapping, problems: Problem[]): Map<string, FieldMapping> {
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
    candidates.forEach(({ field, product, when }, i) => {
      if (field !== undefined) refer(field, [name, 'paths', i, 'field']);
      product?.forEach((factor, k) => {
        refer(factor, [name, 'paths', i, 'product', k]);
      });
      for (const subject of subjects(when)) refer(subject, [name, 'paths', i, 'when', subject]);
    });
  }
  return all;
}

const referencesOf = ({ candidates }: FieldMapping): string[] =>
  candidates.flatMap(({ field, product, when }) => [field ?? [], product ?? [], subjects(when)].flat());

/** The fields that are wanted and those they look at, each after what it looks at. */
function sorted(all: ReadonlyMap<string, FieldMapping>, wanted: Iterable<string>, problems: Problem[]): string[] {
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

/**
 * Compiles a mapping: paths become look-ups in one table of `data`'s keys, so that a line costs what is in it and not what the
 * mapping knows; fields become rules in the order in which they depend on each other.
 */
export function compile(mapping: Mapping, options: CompileOptions): { program: Program; problems: Problem[] } {
  const problems: Problem[] = [];
  const all = withHelpers(mapping, problems);
  const isShown = (name: string): boolean => mappable.has(name) && !options.drop?.has(name);
  const wanted = [...all]
    .filter(([name, { candidates }]) => isShown(name) && candidates.length > 0)
    .map(([name]) => name);
  const names = sorted(all, wanted, problems);
  const ruleOf = new Map(names.map((name, i) => [name, i]));
  const rule = (name: string): number => ruleOf.get(name) ?? -1;

  const points = new Map<string, Lookups>();
  const roots = new Map<string, Reader[]>();
  const searches: Program['searches'][number][] = [];
  const slots: string[] = [];

  const lookups = (key: string): Lookups => {
    const found = points.get(key) ?? { inputs: [], readers: [] };
    points.set(key, found);
    return found;
  };

  /** Lists an input where its path begins. A bare name may be one key of `data`, or steps in it, or steps in the record. */
  function place(text: string, input: Input): void {
    const { steps, bare } = parsePath(text);
    if (steps === undefined) {
      searches.push({ read: options.jsonPath(text), input });
      return;
    }
    const [first, second, third] = steps;
    const inData = first === 'data' || first === 'telematicData';
    if (bare) lookups(text).inputs.push(input);
    if (inData && second !== undefined) {
      if (steps.length === 2 || (steps.length === 3 && third === 'value')) lookups(String(second)).inputs.push(input);
      else lookups(String(second)).readers.push({ read: accessor(steps.slice(2)), input });
    }
    if (bare && steps.length > 1) lookups(String(first)).readers.push({ read: accessor(steps.slice(1)), input });
    if (!inData && first !== undefined) {
      const readers = roots.get(String(first)) ?? [];
      roots.set(String(first), [...readers, { read: accessor(steps.slice(1)), input }]);
    }
  }

  function choice(candidate: Candidate, name: string, key: RecordKey | undefined): Choice {
    const { path, field, value, product, when } = candidate;
    const tests = Object.entries(when ?? {}).map(([subject, test]) => [rule(subject), checkOf(test)] as const);
    const subjectRules = tests.map(([index]) => index);
    const holds = tests.length === 0 ? undefined : conjunction(tests);
    const common = { slot: -1, holds };
    if (path !== undefined) {
      const slot = slots.push(`${name} ${path}`) - 1;
      place(path, inputOf(candidate, path, name, key, slot));
      return {
        label: path,
        slot,
        holds,
        value: (vehicle) => vehicle.slotValue[slot],
        time: (vehicle) => vehicle.slotTime[slot] ?? -Infinity,
      };
    }
    if (field !== undefined) return { ...common, label: field, ...derived([rule(field)], converter(key, candidate)) };
    if (product) {
      return { ...common, label: product.join(' × '), ...derived(product.map(rule), converter(key, candidate)) };
    }
    return {
      ...common,
      label: tests.length === 0 ? 'constant' : JSON.stringify(when),
      value: () => value,
      time: tests.length === 0 ? () => 0 : (vehicle) => newestOf(subjectRules, vehicle),
    };
  }

  const pair = ['lat', 'lon'].every((name) => isShown(name) && ruleOf.has(name));
  const order = [...mappable.keys()].filter((name) => isShown(name) && ruleOf.has(name));
  const rules = names.map((name): Rule => {
    const { candidates, maxAge, hold } = all.get(name) ?? { candidates: [] };
    const { maxAge: ages } = options;
    return {
      name,
      key: keyText(name),
      choices: candidates.map((candidate) => choice(candidate, name, mappable.get(name))),
      maxAge: candidates.every(isConstant) ? Infinity : (ages?.get(name) ?? ages?.get('*') ?? maxAge ?? Infinity),
      hold: hold ?? usualHold,
      dependents: names.flatMap((other, i) =>
        referencesOf(all.get(other) ?? { candidates: [] }).includes(name) ? i : [],
      ),
      shown: isShown(name) && !(pair && (name === 'lat' || name === 'lon')),
    };
  });

  function inputOf(candidate: Candidate, path: string, name: string, key: RecordKey | undefined, slot: number): Input {
    const values = candidate.values ?? (key?.kind === 'boolean' || isHelper(name) ? wordsOf(path) : undefined);
    const convert = converter(key, { ...candidate, ...(values && { values }) });
    const input: Input = { slot, rule: rule(name), convert };
    if (all.get(name)?.odometer) input.odometer = conversion(unitOf(candidate.unit ?? 'km') ?? 'km', 'km')?.(1) ?? 1;
    return input;
  }

  const program: Program = {
    points,
    roots: [...roots],
    searches,
    rules,
    slots,
    order: order.map(rule),
    pair: pair ? { lat: rule('lat'), lon: rule('lon') } : undefined,
    soc: isShown('soc') ? rule('soc') : -1,
  };
  return { program, problems };
}

const known = new Map(Object.entries(enumerations));

/** BMW's own meaning of a key's words, if the path leads to such a key. */
function wordsOf(path: string): (typeof enumerations)[string] | undefined {
  const { steps = [], bare } = parsePath(path);
  const step: Step | undefined = bare ? path : steps[1];
  return typeof step === 'string' ? known.get(step) : undefined;
}

/** Whether all conditions hold of a vehicle. */
function conjunction(tests: readonly (readonly [rule: number, check: Check])[]): (vehicle: Vehicle) => boolean {
  return ({ value }) => {
    for (let i = 0; i < tests.length; i++) {
      const [rule, check] = tests[i]!;
      if (!check(value[rule])) return false;
    }
    return true;
  };
}

/** The newest time among rules; written as a loop, since it runs several times a record. */
function newestOf(rules: readonly number[], vehicle: Vehicle): number {
  let newest = -Infinity;
  for (let i = 0; i < rules.length; i++) newest = Math.max(newest, vehicle.time[rules[i]!]!);
  return newest;
}

/** The value of a field, or the product of several; unknown while one of them is. */
function derived(rules: readonly number[], convert: Convert): Pick<Choice, 'value' | 'time'> {
  const [first = -1] = rules;
  return {
    value(vehicle): Value | undefined {
      if (rules.length === 1) return convert(vehicle.value[first], undefined);
      let result = 1;
      for (const rule of rules) {
        const factor = vehicle.value[rule];
        if (typeof factor !== 'number') return undefined;
        result *= factor;
      }
      return convert(clean(result), undefined);
    },
    time: (vehicle) =>
      rules.every((rule) => vehicle.value[rule] !== undefined) ? newestOf(rules, vehicle) : -Infinity,
  };
}
