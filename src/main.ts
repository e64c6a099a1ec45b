import { describe } from './render/described.ts';
import { colourful, commandHelp, groupHelp, type HelpLayout, plain } from './render/help.ts';
import type { AnyDefinition, CommandEntry, CommandGroup } from './runtime/command.ts';
import * as naming from './runtime/common-options.ts';
import { CommandError, exit, fail } from './runtime/exit.ts';
import type { Launch } from './runtime/plan-stage.ts';
import { runProcess } from './runtime/process.ts';
import { endProcess, report } from './runtime/report.ts';
import { parseCommandLine } from './runtime/settings.ts';
import { terminalWidth, wantsColour, writeText } from './runtime/terminal.ts';

/** The version of the package, put in by the build. */
declare const VOLTPIPE_VERSION: string;

/** What the words after a binary's name lead to. */
type Target = { group: CommandGroup } | { entry: CommandEntry; argv: readonly string[] };

const wants = (argv: readonly string[], short: string, long: string): boolean => {
  const end = argv.indexOf('--');
  return (end < 0 ? argv : argv.slice(0, end)).some(
    (word) => word === short || word === long || (/^-[hVvq]{2,}$/.test(word) && word.includes(short.slice(1))),
  );
};

const layout = (): HelpLayout => ({ columns: terminalWidth(), paint: wantsColour() ? colourful : plain });

/**
 * The entry of every binary.
 *
 * @param binary the first word, as the user typed it
 * @param commands those that this bundle holds
 * @param groups first words with several commands behind them
 */
export async function start(
  binary: string,
  commands: readonly CommandEntry[],
  groups: readonly CommandGroup[],
): Promise<never> {
  const words = process.argv.slice(2);
  let speaker = binary;
  try {
    const target = find(binary, words, commands, groups);
    if ('group' in target) return await showGroup(target.group, words, commands);
    const { command } = await target.entry.load();
    speaker = command.name;
    if (wants(target.argv, '-h', '--help')) {
      const behind = await loadBehind(command.name, commands);
      return await show(commandHelp(describe(command, naming), layout(), behind));
    }
    if (wants(target.argv, '-V', '--version')) return await show(`${VOLTPIPE_VERSION}\n`);
    if (!command.expand) return await runProcess([{ definition: command, argv: target.argv }]);
    const line = await parseCommandLine(command, target.argv);
    return await runProcess(await stages(command, line.args, commands, groups), line.flags);
  } catch (error) {
    return endProcess(report(error, speaker));
  }
}

/** Follows the words to a command: `simulate bmw …`, `voltpipe normalize …`, `voltpipe simulate bmw …`. */
function find(
  binary: string,
  words: readonly string[],
  commands: readonly CommandEntry[],
  groups: readonly CommandGroup[],
): Target {
  const [word, ...rest] = words;
  const group = groups.find(({ name }) => name === binary);
  if (!group) {
    // A command may have others behind it: `spool get DIR` beside `spool DIR`.
    const inner = word === undefined ? undefined : commands.find(({ name }) => name === `${binary} ${word}`);
    if (inner) return { entry: inner, argv: rest };
    const entry = commands.find(({ name }) => name === binary);
    if (!entry) throw fail('usage', `'${binary}': no such command`, `Try 'voltpipe --help'.`);
    return { entry, argv: words };
  }
  if (word === undefined || word.startsWith('-')) return { group };
  const entry = commands.find(({ name }) => name === `${binary} ${word}`);
  if (entry) return { entry, argv: rest };
  if (binary === 'voltpipe') return find(word, rest, commands, groups);
  throw fail('usage', `'${word}': no such command`, `Try '${binary} --help'.`);
}

/** The commands that begin with this one's name. */
function loadBehind(name: string, commands: readonly CommandEntry[]): Promise<AnyDefinition[]> {
  const entries = commands.filter((entry) => entry.name.startsWith(`${name} `));
  return Promise.all(entries.map(async ({ load }) => (await load()).command));
}

async function show(text: string): Promise<never> {
  writeText(text);
  return endProcess(exit.ok);
}

async function showGroup(
  group: CommandGroup,
  words: readonly string[],
  commands: readonly CommandEntry[],
): Promise<never> {
  if (wants(words, '-V', '--version')) return show(`${VOLTPIPE_VERSION}\n`);
  const inside = commands.filter(({ name }) => group.name === 'voltpipe' || name.startsWith(`${group.name} `));
  const listed = await Promise.all(inside.map(async ({ load }) => (await load()).command));
  const text = groupHelp(group, listed, layout());
  if (wants(words, '-h', '--help')) return show(text);
  const fault = words.length === 0 ? 'no command given' : `'${words[0]}': no such option here`;
  throw new CommandError(exit.usage, fault, `Try '${group.name} --help'.`);
}

/** The commands of `voltpipe run 'a | b | c'`. */
async function stages(
  command: AnyDefinition,
  args: readonly string[],
  commands: readonly CommandEntry[],
  groups: readonly CommandGroup[],
): Promise<Launch[]> {
  const lines = command.expand!(args);
  return Promise.all(
    lines.map(async ([name, ...argv]) => {
      const target = find(name!, argv, commands, groups);
      if ('group' in target) throw fail('usage', `'${name}': is no command by itself`, `Try '${name} --help'.`);
      const { command: definition } = await target.entry.load();
      if (definition.expand) throw fail('usage', `'${definition.name}': can't be a stage`);
      return { definition, argv: target.argv };
    }),
  );
}
