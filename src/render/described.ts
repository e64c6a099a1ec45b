import type { AnyDefinition, CommandGroup } from '../runtime/command.ts';
import type { OptionSpec, Options } from '../runtime/options.ts';

/** What the runtime knows of option names; handed in, so that the renderers stay pure. */
export interface Naming {
  commonOptions(definition: AnyDefinition): Options;
  flagOf(name: string, spec: OptionSpec): string | undefined;
  environmentNames(spec: OptionSpec): readonly string[];
  credentialName(name: string, spec: OptionSpec): string;
}

/** What a flag wants after it. */
export type Wants = 'nothing' | 'choice' | 'file' | 'directory' | 'text';

/** An option with all its names. */
export interface DescribedOption {
  /** The property: `minInterval`. */
  name: string;
  spec: OptionSpec;
  /** `--min-interval`; absent for what the command line can't say. */
  flag?: string;
  /** `-i`. */
  short?: string;
  wants: Wants;
  /** What stands for the value: `DURATION`; absent for a flag. */
  value?: string;
  /** May be given several times. */
  repeatable: boolean;
  environment: readonly string[];
  /** The configuration keys, the first one first. */
  keys: readonly string[];
  /** Of a secret: its file name in `$CREDENTIALS_DIRECTORY`. */
  credential?: string;
}

/** A command with its options: its own, and those that it shares with others. */
export interface DescribedCommand {
  definition: AnyDefinition;
  own: readonly DescribedOption[];
  common: readonly DescribedOption[];
}

/** All that the generated files are made of. */
export interface Toolkit {
  version: string;
  /** Day of the version, `2026-03-01`, for the manual pages. */
  date: string;
  commands: readonly DescribedCommand[];
  groups: readonly CommandGroup[];
  exitMeaning: Readonly<Record<string, string>>;
}

const valueNames: Partial<Record<OptionSpec['type'], string>> = {
  string: 'TEXT',
  number: 'N',
  integer: 'N',
  duration: 'DURATION',
  size: 'SIZE',
  url: 'URL',
  file: 'FILE',
  list: 'LIST',
  secret: 'FILE',
};

function wantsOf(spec: OptionSpec): Wants {
  if (spec.type === 'flag') return 'nothing';
  if (spec.choices) return 'choice';
  if (spec.type === 'secret') return 'file';
  if (spec.type === 'file') return spec.value === 'DIR' ? 'directory' : 'file';
  return 'text';
}

/** `logLevel` → `LEVEL`. */
function lastWord(name: string): string {
  return (/[A-Z]?[^A-Z]*$/.exec(name)?.[0] || name).toUpperCase();
}

function describeOption(name: string, spec: OptionSpec, naming: Naming): DescribedOption {
  const flag = naming.flagOf(name, spec);
  const value = spec.type === 'flag' ? undefined : (spec.value ?? valueNames[spec.type] ?? lastWord(name));
  return {
    name,
    spec,
    ...(flag ? { flag } : {}),
    ...(flag && spec.short ? { short: `-${spec.short}` } : {}),
    wants: wantsOf(spec),
    ...(value ? { value } : {}),
    repeatable: spec.repeatable === true || spec.type === 'list',
    environment: naming.environmentNames(spec),
    keys: spec.key ? [spec.key, ...(spec.aliases ?? [])] : [],
    ...(spec.type === 'secret' ? { credential: naming.credentialName(name, spec) } : {}),
  };
}

/** Puts a definition and all names of its options together, for the renderers. */
export function describe(definition: AnyDefinition, naming: Naming): DescribedCommand {
  const own: Options = definition.options;
  const all = (options: Options): DescribedOption[] =>
    Object.entries(options).map(([name, spec]) => describeOption(name, spec, naming));
  return {
    definition,
    own: all(own),
    common: all(naming.commonOptions(definition)).filter(({ name }) => !(name in own)),
  };
}

/** What giving the flag does: one that is on by default can only be turned off, and a secret comes in a file. */
export function flagSummary({ spec }: Pick<DescribedOption, 'spec'>): string {
  if (spec.type === 'secret') return `file with: ${spec.summary}`;
  return spec.type === 'flag' && spec.default === true ? `do not ${spec.summary}` : spec.summary;
}

/** The name of a command's file and manual page: `simulate bmw` → `simulate-bmw`. */
export function pageName(name: string): string {
  return name.replaceAll(' ', '-');
}

/** The default as a user would type it, or undefined when there is none to tell. */
export function defaultText({ spec }: Pick<DescribedOption, 'spec'>): string | undefined {
  const { default: value, type } = spec;
  if (value === undefined || type === 'flag' || type === 'map' || type === 'object' || type === 'secret')
    return undefined;
  if (Array.isArray(value)) return value.length > 0 ? value.join(',') : undefined;
  if (typeof value !== 'number') return String(value);
  if (value === 0) return '0';
  if (type === 'duration') return inUnits(value, durations);
  if (type === 'size') return inUnits(value, sizes);
  return String(value);
}

const durations: readonly (readonly [number, string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1000, 's'],
  [1, 'ms'],
];

const sizes: readonly (readonly [number, string])[] = [
  [1024 ** 3, 'GiB'],
  [1024 ** 2, 'MiB'],
  [1024, 'KiB'],
  [1, ''],
];

/** The largest unit in which the number is whole. */
function inUnits(value: number, units: readonly (readonly [number, string])[]): string {
  const [size, unit] = units.find(([size]) => value >= size && value % size === 0) ?? [1, units.at(-1)?.[1] ?? ''];
  return `${value / size}${unit}`;
}
