import type { Argument } from '../runtime/command.ts';
import { argumentWants, type Binary, banner, groupFlags, type Node, quote } from './completion.ts';
import { type DescribedOption, flagSummary, type Wants } from './described.ts';
import { argumentName } from './help.ts';

/** The completion of one binary for zsh: a file `_name` in a folder of `$fpath`. */
export function zshCompletion({ name, nodes }: Binary): string {
  const functions = nodes.map((node) => {
    const own = functionName(name, node.words);
    if (node.next.length === 0) return shellFunction(own, completing(node));
    if (node.options.length === 0) return shellFunction(own, choosing(name, node));
    return shellFunction(`${own}_itself`, completing(node)) + shellFunction(own, choosingOrNot(name, node));
  });
  return `#compdef ${name}
# ${banner(name, 'zsh')}

${functions.join('\n')}
${functionName(name, [])} "$@"
`;
}

const shellFunction = (name: string, body: readonly string[]): string =>
  `${name}() {\n${body.map((line) => `  ${line}\n`).join('')}}\n`;

function functionName(binary: string, words: readonly string[]): string {
  return `_voltpipe_complete_${[binary, ...words].join('_').replaceAll('-', '_')}`;
}

function choosing(binary: string, { words, next }: Node): string[] {
  const lines = ['local curcontext=$curcontext state line', 'local -a commands', 'commands=('];
  for (const { word, summary } of next) lines.push(`  ${quote(`${word}:${summary}`)}`);
  lines.push(')', '_arguments -C \\');
  for (const { flag, short, summary } of groupFlags) {
    lines.push(`  '(- *)'{${short},${flag}}${quote(`[${inBrackets(summary)}]`)} \\`);
  }
  lines.push(
    `  '1: :->command' '*:: :->rest'`,
    'case $state in',
    '  command) _describe command commands ;;',
    '  rest)',
  );
  lines.push('    case $words[1] in');
  for (const { word } of next) lines.push(`      ${word}) ${functionName(binary, [...words, word])} ;;`);
  lines.push('    esac', '    ;;', 'esac');
  return lines;
}

/** A command that may have another one behind it: as its first word that is offered too. */
function choosingOrNot(binary: string, { words, next }: Node): string[] {
  const own = functionName(binary, words);
  const named = next.map(
    ({ word }) => `${word}) shift words; (( CURRENT-- )); ${functionName(binary, [...words, word])} ;;`,
  );
  return [
    'local -a commands',
    'commands=(',
    ...next.map(({ word, summary }) => `  ${quote(`${word}:${summary}`)}`),
    ')',
    'if (( CURRENT == 2 )); then',
    '  _describe command commands',
    `  ${own}_itself "$@"`,
    'else',
    '  case $words[2] in',
    ...named.map((line) => `    ${line}`),
    `    *) ${own}_itself "$@" ;;`,
    '  esac',
    'fi',
  ];
}

function completing({ options, arguments: args }: Node): string[] {
  const specs = [...options.map(optionSpec), ...args.map(argumentSpec)];
  return ['_arguments -s -S \\', ...specs.map((spec, index) => `  ${spec}${index < specs.length - 1 ? ' \\' : ''}`)];
}

/** `'(-i --interval)'{-i+,--interval=}'[…]:DURATION: '` */
function optionSpec(option: DescribedOption): string {
  const { flag = '', short, wants, value, repeatable, spec } = option;
  const takes = wants !== 'nothing';
  const text = quote(`[${inBrackets(flagSummary(option))}]${takes ? `:${value}:${action(wants, spec.choices)}` : ''}`);
  const ends = flag === '--help' || flag === '--version';
  const excludes = ends ? '(- *)' : repeatable ? '*' : short ? `(${short} ${flag})` : '';
  const long = takes ? `${flag}=` : flag;
  const names = short ? `{${short}${takes ? '+' : ''},${long}}` : long;
  return `${excludes ? quote(excludes) : ''}${names}${text}`;
}

function argumentSpec(argument: Argument): string {
  const place = argument.variadic ? '*' : argument.required ? '' : ':';
  return quote(`${place}:${argumentName(argument)}:${action(argumentWants(argument), argument.choices)}`);
}

function action(wants: Wants, choices: readonly string[] = []): string {
  if (wants === 'choice') return `(${choices.join(' ')})`;
  if (wants === 'file') return '_files';
  return wants === 'directory' ? '_files -/' : ' ';
}

/** Text between the brackets of a specification. */
function inBrackets(text: string): string {
  return text.replace(/[[\]\\:]/g, (character) => `\\${character}`);
}
