import { enumerations } from '../../protocols/bmw/values.ts';
import type { RecordKey } from '../../records/family.ts';
import { conversion, unitOf } from '../units.ts';
import { checkOf, subjects } from './conditions.ts';
import { converter } from './convert.ts';
import { conjunction, newestOf, productOf } from './derive.ts';
import type { Candidate, Mapping, Problem } from './model.ts';
import { accessor, parsePath, type Step } from './path.ts';
import type { Choice, Input, Lookups, Program, Reader, Rule, Vehicle } from './program.ts';
import { mappable } from './read.ts';
import { referencesOf, refusePrediction, sorted, withHelpers } from './references.ts';
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

/** A value that is there without any other, such as the model. */
const isConstant = ({ value, when }: Candidate): boolean => value !== undefined && subjects(when).length === 0;
const isHelper = (name: string): boolean => name.startsWith('_');

/** Gives `owner` a function that is built with its first call: of what a mapping knows, a car sends a few things at first and many never. */
function late<K extends string, A extends unknown[], R>(
  owner: { [key in K]: ((...args: A) => R) | undefined },
  key: K,
  build: () => (...args: A) => R,
): void {
  owner[key] = (...args) => {
    const built = build();
    owner[key] = built;
    return built(...args);
  };
}

/**
 * Compiles a mapping: paths become look-ups in one table of `data`'s keys, so that a line costs what is in it and not what the
 * mapping knows; fields become rules in the order in which they depend on each other.
 */
export function compile(mapping: Mapping, options: CompileOptions): { program: Program; problems: Problem[] } {
  const problems: Problem[] = [];
  const all = withHelpers(mapping, problems);
  refusePrediction(all, problems);
  const isShown = (name: string): boolean => mappable.has(name) && !options.drop?.has(name);
  const wanted = [...all]
    .filter(([name, { candidates }]) => isShown(name) && candidates.length > 0)
    .map(([name]) => name);
  const names = sorted(all, wanted, problems);
  const ruleOf = new Map(names.map((name, i) => [name, i]));
  const rule = (name: string): number => ruleOf.get(name) ?? -1;

  const dependents = new Map<string, number[]>();
  for (const [i, name] of names.entries()) {
    for (const used of new Set(referencesOf(all.get(name) ?? { candidates: [] }))) {
      const users = dependents.get(used);
      if (users) users.push(i);
      else dependents.set(used, [i]);
    }
  }

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
    const made = bareChoice(candidate, name, key);
    const { when } = candidate;
    if (when && subjects(when).length > 0) {
      late(made, 'holds', () =>
        conjunction(Object.entries(when).map(([subject, test]) => [rule(subject), checkOf(test)] as const)),
      );
    }
    return made;
  }

  /** A choice without its conditions. */
  function bareChoice(candidate: Candidate, name: string, key: RecordKey | undefined): Choice {
    const { path, field, value, product, when } = candidate;
    if (path !== undefined) {
      const slot = slots.push(`${name} ${path}`) - 1;
      place(path, inputOf(candidate, path, name, key, slot));
      return { label: path, slot, holds: undefined, derived: undefined };
    }
    const factors = field === undefined ? product : [field];
    if (factors) {
      const derived = productOf(factors.map(rule), converter(key, candidate));
      return { label: factors.join(' × '), slot: -1, holds: undefined, derived };
    }
    const rules = subjects(when).map(rule);
    const time = rules.length === 0 ? () => 0 : (vehicle: Vehicle) => newestOf(rules, vehicle);
    const derived = { value: () => value, time };
    return { label: JSON.stringify(when) ?? 'constant', slot: -1, holds: undefined, derived };
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
      dependents: dependents.get(name) ?? [],
      shown: isShown(name) && !(pair && (name === 'lat' || name === 'lon')),
    };
  });

  function inputOf(candidate: Candidate, path: string, name: string, key: RecordKey | undefined, slot: number): Input {
    const input: Input = { slot, rule: rule(name), convert: () => undefined };
    late(input, 'convert', () => {
      const values = candidate.values ?? (key?.kind === 'boolean' || isHelper(name) ? wordsOf(path) : undefined);
      return converter(key, { ...candidate, ...(values && { values }) });
    });
    if (all.get(name)?.odometer) input.odometer = conversion(unitOf(candidate.unit ?? 'km') ?? 'km', 'km')?.(1) ?? 1;
    return input;
  }

  const program: Program = {
    points,
    roots: [...roots],
    searches,
    rules,
    constants: names.flatMap((name, i) => (all.get(name)?.candidates.some(isConstant) ? i : [])),
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
