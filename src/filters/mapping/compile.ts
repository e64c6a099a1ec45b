import { enumerations } from '../../protocols/bmw/values.ts';
import type { RecordKey } from '../../records/family.ts';
import { conversion, unitOf } from '../units.ts';
import { checkOf, subjects } from './conditions.ts';
import { converter } from './convert.ts';
import { conjunction, newestOf, productOf } from './derive.ts';
import type { Candidate, Mapping, Problem } from './model.ts';
import { accessor, firstOfBareName, parsePath, type Step } from './path.ts';
import type { Choice, Input, Lookups, Program, Reader, Rule, Vehicle } from './program.ts';
import { mappable } from './read.ts';
import { refusePrediction, sorted, withHelpers } from './references.ts';
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
/** Where BMW's shapes, stream and REST, have their keys. */
const isEnvelope = (name: string): boolean => name === 'data' || name === 'telematicData';

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
  const { order: names, references } = sorted(all, wanted, problems);
  const ruleOf = new Map(names.map((name, i) => [name, i]));
  const rule = (name: string): number => ruleOf.get(name) ?? -1;

  const dependents = new Map<string, number[]>();
  names.forEach((name, i) => {
    for (const used of references.get(name) ?? []) {
      const users = dependents.get(used);
      if (!users) dependents.set(used, [i]);
      else if (users.at(-1) !== i) users.push(i);
    }
  });

  const points = new Map<string, Lookups>();
  const roots = new Map<string, Reader[]>();
  const searches: Program['searches'][number][] = [];
  const slots: string[] = [];

  function addInput(key: string, input: Input): void {
    const found = points.get(key);
    if (found) found.inputs.push(input);
    else points.set(key, { inputs: [input], readers: [] });
  }

  function addReader(key: string, reader: Reader): void {
    const found = points.get(key);
    if (found) found.readers.push(reader);
    else points.set(key, { inputs: [], readers: [reader] });
  }

  function addRoot(key: string, reader: Reader): void {
    const found = roots.get(key);
    if (found) found.push(reader);
    else roots.set(key, [reader]);
  }

  /** A reader that goes the steps, which are not even taken apart before something is there to be read. */
  function readerOf(input: Input, steps: () => readonly Step[]): Reader {
    const reader: Reader = { read: () => undefined, input };
    late(reader, 'read', () => accessor(steps()));
    return reader;
  }

  /** Lists an input where its path begins. A bare name may be one key of `data`, or steps in it, or steps in the record. */
  function place(text: string, input: Input): void {
    const first = firstOfBareName(text);
    if (first !== undefined && !isEnvelope(first)) {
      addInput(text, input);
      const reader = readerOf(input, () =>
        text
          .slice(first.length + 1)
          .split('.')
          .filter(Boolean),
      );
      if (first !== text) addReader(first, reader);
      addRoot(first, reader);
      return;
    }
    const { steps } = parsePath(text);
    if (steps === undefined) {
      searches.push({ read: options.jsonPath(text), input });
      return;
    }
    const [root, key, third] = steps.map(String);
    if (first !== undefined) addInput(text, input);
    if (root === undefined) return;
    if (!isEnvelope(root))
      addRoot(
        root,
        readerOf(input, () => steps.slice(1)),
      );
    else if (key !== undefined) {
      if (steps.length === 2 || (steps.length === 3 && third === 'value')) addInput(key, input);
      else
        addReader(
          key,
          readerOf(input, () => steps.slice(2)),
        );
    }
    if (first !== undefined && steps.length > 1)
      addReader(
        root,
        readerOf(input, () => steps.slice(1)),
      );
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
      return { candidate, slot, holds: undefined, derived: undefined };
    }
    const factors = field === undefined ? product : [field];
    if (factors) {
      const derived = productOf(factors.map(rule), converter(key, candidate));
      return { candidate, slot: -1, holds: undefined, derived };
    }
    const rules = subjects(when).map(rule);
    const time = rules.length === 0 ? () => 0 : (vehicle: Vehicle) => newestOf(rules, vehicle);
    return { candidate, slot: -1, holds: undefined, derived: { value: () => value, time } };
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
