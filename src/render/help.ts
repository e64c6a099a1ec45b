import type { CommandGroup } from '../runtime/command.ts';
import { type DescribedCommand, type DescribedOption, defaultText, flagSummary, pageName } from './described.ts';
import { wrap, wrapCommand } from './prose.ts';

/** How a piece of text shall look. */
type Look = 'title' | 'term' | 'value' | 'faint';

/** Colours a text, or leaves it as it is. */
export type Paint = (look: Look, text: string) => string;

/** How help is laid out. */
export interface HelpLayout {
  /** Width in characters; no line is longer, but for a word that can't be broken. */
  columns: number;
  paint: Paint;
}

/** No colours at all. */
export const plain: Paint = (_look, text) => text;

/** Colours by SGR codes, for a terminal. */
export const colourful: Paint = (look, text) => {
  const code = { title: '1', term: '36', value: '33', faint: '2' }[look];
  return `\u001b[${code}m${text}\u001b[0m`;
};

/**
 * `--help` of a command: what it does, examples, then the options in two groups.
 *
 * @param behind commands that begin with its name
 */
export function commandHelp(
  { definition, own, common }: DescribedCommand,
  layout: HelpLayout,
  behind: readonly { name: string; summary: string }[] = [],
): string {
  const { columns } = layout;
  const { name } = definition;
  const parts = [
    headline(name, definition.summary, layout),
    usage(definition.name, definition.arguments ?? [], layout),
    examples(definition, layout),
    definition.arguments?.length ? argumentTable(definition.arguments, layout) : '',
    behind.length > 0 ? table('Further commands', commandRows(name, behind), layout) : '',
    optionTable('Options', own, layout),
    optionTable('Common options', common, layout),
    wrap(`Manual: man ${pageName(name)}`, columns).join('\n'),
  ];
  return textOf(parts);
}

/** `--help` of a first word with several commands behind it. */
export function groupHelp(
  group: CommandGroup,
  commands: readonly { name: string; summary: string }[],
  layout: HelpLayout,
): string {
  const { paint, columns } = layout;
  const parts = [
    headline(group.name, group.summary, layout),
    `${paint('title', 'Usage:')} ${paint('term', group.name)} ${paint('value', 'COMMAND')} [options]`,
    wrap(spoken(group.description), columns).join('\n'),
    examples(group, layout),
    table('Commands', commandRows(group.name, commands), layout),
    wrap(`Each tells more with --help. Manual: man ${group.name}`, columns).join('\n'),
  ];
  return textOf(parts);
}

const textOf = (parts: readonly string[]): string => `${parts.filter((part) => part !== '').join('\n\n')}\n`;

function commandRows(before: string, commands: readonly { name: string; summary: string }[]): Row[] {
  return commands.map(({ name, summary }) => ({
    term: name.startsWith(`${before} `) ? name.slice(before.length + 1) : name,
    text: summary,
  }));
}

function headline(name: string, summary: string, { paint, columns }: HelpLayout): string {
  return wrap(`${name}: ${spoken(summary)}`, columns)
    .join('\n')
    .replace(name, paint('title', name));
}

/** Manual text without its marks. */
function spoken(text: string): string {
  return text.replaceAll('`', '');
}

type Arguments = readonly {
  name: string;
  summary: string;
  required?: boolean;
  variadic?: boolean;
  choices?: readonly string[];
}[];

function usage(name: string, args: Arguments, { paint }: HelpLayout): string {
  const words = args.map((argument) => {
    const word = argumentName(argument);
    return paint('value', argument.required ? word : `[${word}]`);
  });
  return [paint('title', 'Usage:'), paint('term', name), '[options]', ...words].join(' ');
}

/** `DEVICE…` as a manual shows it. */
export function argumentName({ name, variadic }: { name: string; variadic?: boolean }): string {
  return `${name.toUpperCase()}${variadic ? '...' : ''}`;
}

/** The first command of a line, up to its pipe, list operator or redirection. */
const firstCommand = /^(?:'[^']*'|"[^"]*"|\\.|[^'"\\|&;<>\s]|\s(?![\s|&;<>]|$))+/;

/** The command as it can be pasted: one that reads records gets a file for them. */
const fed = (command: string): string => (command.includes('<') ? command : command.replace(firstCommand, '$& < FILE'));

/** What an example is of: a group reads nothing by itself. */
type Exemplified = Pick<CommandGroup, 'name' | 'examples'> & Partial<Pick<DescribedCommand['definition'], 'input'>>;

function examples(definition: Exemplified, { paint, columns }: HelpLayout): string {
  if (definition.examples.length === 0) return '';
  const lines = [paint('title', 'Examples:')];
  const reads = (command: string): boolean =>
    definition.input === 'required' && `${command} `.startsWith(`${definition.name} `);
  for (const { text, command: line, stdin } of definition.examples) {
    const command = stdin !== undefined || reads(line) ? fed(line) : line;
    lines.push(...wrap(text, columns - 4).map((line) => paint('faint', `  # ${line}`)));
    lines.push(...wrapCommand(command, columns - 2).map((line) => `  ${line}`));
  }
  return lines.join('\n');
}

function argumentTable(args: Arguments, layout: HelpLayout): string {
  const rows = args.map((argument) => ({
    term: argumentName(argument),
    text: argument.summary + (argument.choices ? ` (${argument.choices.join(', ')})` : ''),
  }));
  return table('Arguments', rows, layout);
}

function optionTable(title: string, options: readonly DescribedOption[], layout: HelpLayout): string {
  const shown = options.filter(({ flag, spec }) => flag && !spec.rare);
  const rows = shown.map((option) => ({
    term: `${option.short ? `${option.short}, ` : '    '}${option.flag}`,
    ...(option.value ? { value: option.value } : {}),
    text: optionText(option),
  }));
  return rows.length > 0 ? table(title, rows, layout) : '';
}

function optionText(option: DescribedOption): string {
  const { spec } = option;
  const text = defaultText(option);
  const notes = [
    ...(spec.choices ? [spec.choices.join(', ')] : []),
    ...(option.repeatable ? ['may be repeated'] : []),
    ...(text !== undefined ? [`default ${text}`] : []),
  ];
  const summary = flagSummary(option);
  return notes.length > 0 ? `${summary} (${notes.join('; ')})` : summary;
}

interface Row {
  term: string;
  value?: string;
  text: string;
}

/** Two columns; a term that is too long for the first has its text below it. */
function table(title: string, rows: readonly Row[], { paint, columns }: HelpLayout): string {
  const length = ({ term, value }: Row): number => term.length + (value ? value.length + 1 : 0);
  const first = Math.min(Math.max(...rows.map(length)), Math.max(12, Math.floor(columns * 0.36)));
  const indent = first + 4;
  const lines = [paint('title', `${title}:`)];
  for (const row of rows) {
    const term = paint('term', row.term) + (row.value ? ` ${paint('value', row.value)}` : '');
    const text = wrap(spoken(row.text), Math.max(20, columns - indent));
    if (length(row) > first) lines.push(`  ${term}`);
    else lines.push(`  ${term}${' '.repeat(first - length(row))}  ${text.shift() ?? ''}`);
    lines.push(...text.map((line) => ' '.repeat(indent) + line));
  }
  return lines.join('\n');
}
