import type { AnyDefinition } from './command.ts';
import { type CommonValues, commonOptions, environmentNames, fixedNames, flagOf } from './common-options.ts';
import { type ConfigSource, lookUp, valueForSection } from './config.ts';
import {
  configSources,
  type Env,
  environment,
  handedOn,
  type Problem,
  readsNoConfig,
  systemFile,
} from './config-sources.ts';
import { CommandError, exit, sentence } from './exit.ts';
import type { OptionSpec, Options } from './options.ts';
import { dataDirectory } from './paths.ts';
import { parseValue, ValueError } from './values.ts';

/** What the command line said, unparsed, by option name. */
export interface CommandLine {
  flags: Readonly<Record<string, unknown>>;
  args: readonly string[];
}

/** A command's settings: option values from flags, environment, system.json, configuration file and defaults. */
export interface Settings {
  opts: Readonly<Record<string, unknown>>;
  common: CommonValues;
  args: readonly string[];
  dataDir: string;
  env: Env;
  /** The configuration files that were read, strongest first. */
  sources: readonly ConfigSource[];
  /** The files whose change means new settings; `system.json` also while it is not there yet. */
  watched: readonly string[];
  /** Files that `--<name>-file` named, by the secret's name. */
  secretFiles: Readonly<Record<string, string>>;
  /** Variables by which a child settles the same: what flags said of files and directories. */
  handedOn: Readonly<Record<string, string>>;
}

/** Every option of a command, its own and the common ones. */
export function allOptions(definition: AnyDefinition): Options {
  return { ...commonOptions(definition), ...definition.options };
}

/**
 * Splits a command line with commander. Throws exit status 64 for an unknown option, a missing value or argument; values are
 * checked later, with those of the configuration.
 */
export async function parseCommandLine(definition: AnyDefinition, argv: readonly string[]): Promise<CommandLine> {
  const needsArgument = definition.arguments?.some((argument) => argument.required) ?? false;
  // Nothing to parse: commander costs 3 ms, which a Pi notices.
  if (argv.length === 0 && !needsArgument) return { flags: {}, args: [] };
  const { Command, Option } = await import('commander');
  const parser = new Command(definition.name)
    .helpOption(false)
    .exitOverride()
    .configureOutput({ writeErr: () => {}, writeOut: () => {} });
  const names = new Map<string, string>();
  for (const [name, spec] of Object.entries(allOptions(definition))) {
    const flag = flagOf(name, spec);
    if (!flag) continue;
    const option = new Option(spec.type === 'flag' ? flag : `${flag} <value>`);
    if (spec.short) option.short = `-${spec.short}`;
    if (spec.repeatable || spec.type === 'list') {
      option.argParser((value: string, before: string[] | undefined) => [...(before ?? []), value]);
    }
    // Commander would fold --no-config into --config; each of ours is an option of its own.
    option.negate = false;
    option.attributeName = () => name;
    parser.addOption(option);
    names.set(name, flag);
  }
  for (const argument of definition.arguments ?? []) {
    const name = argument.variadic ? `${argument.name}...` : argument.name;
    parser.argument(argument.required ? `<${name}>` : `[${name}]`);
  }
  try {
    parser.parse([...argv], { from: 'user' });
  } catch (error) {
    const message = inOurWords((error as Error).message);
    throw new CommandError(exit.usage, message, `Try '${definition.name} --help'.`);
  }
  const args = parser.args;
  for (const [index, argument] of (definition.arguments ?? []).entries()) {
    const given = args[index];
    if (given !== undefined && argument.choices && !argument.choices.includes(given)) {
      throw new CommandError(
        exit.usage,
        `${argument.name} '${given}': expected one of ${argument.choices.join(', ')}`,
        `Try '${definition.name} --help'.`,
      );
    }
  }
  return { flags: parser.opts(), args };
}

/** What commander says, as the other messages have it. */
function inOurWords(message: string): string {
  return message
    .replace(/^error: /, '')
    .replace(/\.$/, '')
    .replaceAll('\n', ' ')
    .replace(/^option '(?:.*, )?(--\S+) <value>' argument missing/, '$1: no value given')
    .replace(/^missing required argument '(.*)'/, (_, name: string) => `no ${name} given`)
    .replace(/^too many arguments.*Expected (\d+) argument.*got (\d+)/, (_, most, got) =>
      most === '0' ? `takes no arguments, got ${got}` : `takes ${most} argument${most === '1' ? '' : 's'}, got ${got}`,
    );
}

/** All that a value can come from. */
interface Origins {
  flags: CommandLine['flags'];
  inherited: CommandLine['flags'];
  env: Env;
  /** Whether any variable bears our prefix: most often none does, and no names need be made for all options to find that out. */
  prefixed: boolean;
  sources: readonly ConfigSource[];
}

/** Where one option's value comes from, and what it was called there. */
function rawValue(
  name: string,
  spec: OptionSpec,
  from: Origins,
): { raw: unknown; where: string; status: 64 | 78 } | undefined {
  for (const flags of [from.flags, from.inherited]) {
    if (flags[name] !== undefined && spec.type !== 'secret') {
      const raw = spec.type === 'flag' ? spec.default !== true : flags[name];
      return { raw, where: flagOf(name, spec) ?? name, status: 64 };
    }
  }
  for (const variable of from.prefixed ? environmentNames(spec) : fixedNames(spec)) {
    const raw = from.env[variable];
    if (raw !== undefined && raw !== '') return { raw, where: variable, status: 78 };
  }
  for (const key of spec.key ? [spec.key, ...(spec.aliases ?? [])] : []) {
    for (const { file, tree } of from.sources) {
      const raw = lookUp(tree, key);
      if (raw !== undefined) return { raw, where: `${file}: ${key}`, status: 78 };
    }
  }
  return undefined;
}

/** Sections that this command reads, and that a file gives a value instead. */
function valuesForSections(definition: AnyDefinition, sources: readonly ConfigSource[]): Problem[] {
  const keys = Object.values(allOptions(definition)).flatMap(({ key }) => key ?? []);
  return sources.flatMap(({ file, tree }) =>
    [...new Set(keys.flatMap((key) => valueForSection(tree, key) ?? []))].map((section) => {
      const text = `${file}: ${section} ${JSON.stringify(lookUp(tree, section))}: expected keys below it`;
      return { status: 78 as const, text };
    }),
  );
}

const emptyOf = (spec: OptionSpec): unknown =>
  spec.type === 'flag' ? false : spec.type === 'list' || spec.repeatable ? [] : undefined;

/**
 * Settles every option of a command: flags > environment > system.json > configuration file > default. All problems are thrown
 * at once: exit status 64 when the command line alone is wrong, else 78.
 *
 * @param inherited flags of `voltpipe run`, which hold for each of its stages
 */
export async function settle(
  definition: AnyDefinition,
  line: CommandLine,
  processEnv: Env,
  inherited: CommandLine['flags'] = {},
): Promise<Settings> {
  const problems: Problem[] = [];
  const given = { ...inherited, ...line.flags };
  const env = environment(given.envFile, processEnv, problems);
  const dataDir = dataDirectory(given.dataDir as string | undefined, env);
  const sources = await configSources({ ...line, flags: given }, env, dataDir, problems);

  const prefixed = Object.keys(env).some((variable) => variable.startsWith('VOLTPIPE_'));
  const origins: Origins = { flags: line.flags, inherited, env, prefixed, sources };
  const settled: Record<string, unknown> = {};
  problems.push(...valuesForSections(definition, sources));
  for (const [name, spec] of Object.entries(allOptions(definition))) {
    const found = rawValue(name, spec, origins);
    if (!found || spec.type === 'secret') {
      settled[name] = spec.default ?? emptyOf(spec);
      continue;
    }
    try {
      settled[name] = parseValue(found.raw, spec);
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      const shown = spec.sensitive ? '' : ` ${JSON.stringify(found.raw)}`;
      problems.push({ status: found.status, text: `${found.where}${shown}: ${error.message}` });
    }
  }
  if (problems.length === 0) check(definition, settled, line, problems);
  if (problems.length > 0) {
    const status = problems.every((problem) => problem.status === 64) ? exit.usage : exit.config;
    throw new CommandError(status, problems.map((problem) => problem.text).join('\n'));
  }
  const opts = Object.fromEntries(Object.entries(settled).filter(([name]) => name in definition.options));
  const secretFiles = Object.fromEntries(
    Object.entries(definition.options)
      .filter(([name, spec]) => (spec as OptionSpec).type === 'secret' && line.flags[name] !== undefined)
      .map(([name]) => [name, String(line.flags[name])]),
  );
  const watched = readsNoConfig({ ...line, flags: given }, env)
    ? []
    : [...new Set([systemFile(dataDir), ...sources.map(({ file }) => file)])];
  const common = settled as unknown as CommonValues;
  return {
    opts,
    common,
    args: line.args,
    dataDir,
    env,
    sources,
    watched,
    secretFiles,
    handedOn: handedOn(given, env, processEnv),
  };
}

function check(
  definition: AnyDefinition,
  opts: Record<string, unknown>,
  { args, flags }: CommandLine,
  problems: Problem[],
): void {
  try {
    definition.check?.(opts, args, new Set(Object.keys(flags)));
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const status = error.status === exit.usage ? 64 : 78;
    problems.push({ status, text: sentence(error) });
  }
}
