import type { CommandGroup } from '../runtime/command.ts';
import {
  type DescribedCommand,
  type DescribedOption,
  defaultText,
  flagSummary,
  pageName,
  type Toolkit,
} from './described.ts';
import { argumentName } from './help.ts';
import { blocks, wrapCommand } from './prose.ts';
import { type Page, page } from './roff.ts';

/** The manual page of a command, section 1. */
export function commandPage(command: DescribedCommand, toolkit: Toolkit): string {
  const { definition, own, common } = command;
  const out = page({ name: pageName(definition.name), section: 1, date: toolkit.date, version: toolkit.version });
  out.section('Name');
  out.paragraph(`${pageName(definition.name)} - ${definition.summary}`);
  synopsis(out, command);
  out.section('Description');
  out.blocks(blocks(definition.description));
  if (definition.arguments?.length) {
    out.section('Arguments');
    for (const argument of definition.arguments) {
      const choices = argument.choices ? [`One of ${codes(argument.choices)}.`] : [];
      out.entry(`*${argumentName(argument)}*`, [sentence(argument.summary), ...choices].join(' '));
    }
  }
  const behind = membersOf(definition.name, toolkit);
  if (behind.length > 0) commandList(out, behind);
  out.section('Options');
  for (const option of own.filter(({ flag }) => flag)) optionEntry(out, option);
  out.subsection('Common options');
  for (const option of common.filter(({ flag }) => flag)) optionEntry(out, option);
  configuration(
    out,
    [...own, ...common].filter(({ flag }) => !flag),
  );
  for (const { title, text } of definition.sections ?? []) {
    out.section(title);
    out.blocks(blocks(text));
  }
  records(out, definition);
  if (definition.files?.length) {
    out.section('Files');
    for (const { path, text } of definition.files) out.entry(`*${path}*`, sentence(text));
  }
  exitStatus(out, toolkit);
  examples(out, definition.examples);
  seeAlso(out, [
    ...(definition.seeAlso ?? []),
    ...groupOf(definition.name, toolkit),
    ...behind.map(({ definition: { name } }) => `${pageName(name)}(1)`),
    'voltpipe(7)',
    'voltpipe-config(5)',
    'voltpipe-records(5)',
  ]);
  return out.toString();
}

/** The manual page of a first word with several commands behind it. */
export function groupPage(group: CommandGroup, toolkit: Toolkit): string {
  const out = page({ name: group.name, section: 1, date: toolkit.date, version: toolkit.version });
  const members = membersOf(group.name, toolkit);
  out.section('Name');
  out.paragraph(`${group.name} - ${group.summary}`);
  out.section('Synopsis');
  out.paragraph(`\`${group.name}\` *COMMAND* [*options*] [*arguments*]`);
  out.section('Description');
  out.blocks(blocks(group.description));
  commandList(out, members);
  examples(out, group.examples);
  seeAlso(out, [
    ...members.map(({ definition }) => `${pageName(definition.name)}(1)`),
    ...(group.seeAlso ?? []),
    'voltpipe(7)',
  ]);
  return out.toString();
}

const membersOf = (name: string, { commands }: Toolkit): DescribedCommand[] =>
  commands.filter(({ definition }) => definition.name.startsWith(`${name} `));

function commandList(out: Page, commands: readonly DescribedCommand[]): void {
  out.section('Commands');
  for (const { definition } of commands) {
    out.entry(`\`${definition.name}\``, `${sentence(definition.summary)} See ${pageName(definition.name)}(1).`);
  }
}

/** The exit statuses, for every page that has them. */
export function exitStatus(out: Page, { exitMeaning }: Toolkit): void {
  out.section('Exit status');
  for (const [status, meaning] of Object.entries(exitMeaning)) out.entry(`\`${status}\``, sentence(meaning));
}

/** The last section: other pages by name. */
export function seeAlso(out: Page, pages: readonly string[]): void {
  out.section('See also');
  out.paragraph([...new Set(pages)].map((name) => name.replace(/^(.*)(\(\d\))$/, '`$1`$2')).join(', '));
}

function groupOf(name: string, { groups }: Toolkit): string[] {
  return groups.filter((group) => name.startsWith(`${group.name} `)).map((group) => `${group.name}(1)`);
}

function synopsis(out: Page, { definition }: DescribedCommand): void {
  out.section('Synopsis');
  const words = (definition.arguments ?? []).map((argument) => {
    const word = `*${argumentName(argument)}*`;
    return argument.required ? word : `[${word}]`;
  });
  out.paragraph([`\`${definition.name}\``, '[*options*]', ...words].join(' '));
}

/** `` `-i`, `--interval` *DURATION* `` */
function optionTag({ flag, short, value }: DescribedOption): string {
  const names = [short, flag].filter((name) => name !== undefined).map((name) => `\`${name}\``);
  return names.join(', ') + (value ? ` *${value}*` : '');
}

function optionEntry(out: Page, option: DescribedOption): void {
  out.entry(optionTag(option), optionText(option), ...sources(option));
}

function optionText(option: DescribedOption): string {
  const { spec } = option;
  const text = defaultText(option);
  const parts = [sentence(option.flag ? flagSummary(option) : spec.summary)];
  if (spec.type === 'secret') parts.push('`-` reads it from standard input.');
  if (spec.choices) parts.push(`One of ${codes(spec.choices)}.`);
  const range = rangeText(spec);
  if (range) parts.push(range);
  if (spec.type === 'list') parts.push('Several are separated by commas.');
  if (option.repeatable) parts.push('May be repeated.');
  if (text !== undefined) parts.push(`Default: \`${text}\`.`);
  return parts.join(' ');
}

/** The lowest and highest value, for numbers; durations and sizes are limited in words. */
export function rangeText({ type, min, max }: DescribedOption['spec']): string | undefined {
  if (type !== 'number' && type !== 'integer') return undefined;
  if (min !== undefined && max !== undefined) return `From ${min} to ${max}.`;
  if (min !== undefined) return `At least ${min}.`;
  return max !== undefined ? `At most ${max}.` : undefined;
}

/** Where else the value may come from. */
function sources({ keys, environment, credential }: DescribedOption): string[] {
  const parts: string[] = [];
  if (keys.length > 0) parts.push(`Configuration: ${codes(keys)}.`);
  if (environment.length > 0) parts.push(`Environment: ${codes(environment)}.`);
  if (credential) parts.push(`Credential: \`${credential}\`.`);
  return parts.length > 0 ? [parts.join(' ')] : [];
}

function configuration(out: Page, options: readonly DescribedOption[]): void {
  if (options.length === 0) return;
  out.section('Configuration');
  out.paragraph(
    'These have no flag: they are set in the configuration file, see `voltpipe-config`(5), or the environment.',
  );
  for (const option of options) {
    const { environment, keys } = option;
    const more = environment.length > 0 ? [`Environment: ${codes(environment)}.`] : [];
    out.entry(codes(keys), optionText(option), ...more);
  }
}

function records(out: Page, { reads, writes, format, input, untyped }: DescribedCommand['definition']): void {
  const lines: (readonly [string, string])[] = [];
  if (input !== 'none') {
    const types = reads ? `${codes(reads)}.` : 'Records of every type.';
    lines.push(['Reads', untyped ? `${types} Objects without a \`type\` are taken too.` : types]);
  }
  if (writes?.length) lines.push(['Writes', `${codes(writes)}.`]);
  else if (format !== 'record') lines.push(['Writes', format === 'json' ? 'JSON, one value a line.' : 'Text.']);
  if (lines.length === 0) return;
  out.section('Records');
  for (const [tag, text] of lines) out.entry(tag, text);
}

function examples(out: Page, list: DescribedCommand['definition']['examples']): void {
  if (list.length === 0) return;
  out.section('Examples');
  for (const { text, command, stdin, stdout } of list) {
    out.paragraph(`${capital(text)}:`);
    out.literal(wrapCommand(command, 72));
    if (stdin) {
      out.paragraph('With this on its standard input:');
      out.literal(stdin.replace(/\n$/, '').split('\n'));
    }
    if (stdout) {
      out.paragraph('It prints:');
      out.literal(stdout.replace(/\n$/, '').split('\n'));
    }
  }
}

/** `` `a`, `b` `` */
export function codes(words: readonly string[]): string {
  return words.map((word) => `\`${word}\``).join(', ');
}

/** A phrase as a sentence: capital, full stop. */
export function sentence(phrase: string): string {
  return /[.!?]$/.test(phrase) ? capital(phrase) : `${capital(phrase)}.`;
}

/** The first letter large, unless the word is a code, a path or a name such as `bmw-stream`, which starts small on purpose. */
function capital(phrase: string): string {
  return /^[a-z]+(?=[\s,;:?!]|$)/.test(phrase) ? phrase.charAt(0).toUpperCase() + phrase.slice(1) : phrase;
}
