import type { Argument } from '../runtime/command.ts';
import type { DescribedCommand, DescribedOption, Toolkit } from './described.ts';

/** What can stand at one place of a command line. */
export interface Node {
  /** The words before it, without the binary: `[]`, or `['simulate', 'bmw']` behind `voltpipe`. */
  words: readonly string[];
  summary: string;
  /** Commands that can follow; beside options and arguments where a command has others behind it. */
  next: readonly { word: string; summary: string }[];
  options: readonly DescribedOption[];
  arguments: readonly Argument[];
}

/** A binary with everything that can follow it. */
export interface Binary {
  name: string;
  nodes: readonly Node[];
}

/** All binaries of the toolkit. `voltpipe` comes with every command behind it. */
export function binaries({ commands, groups }: Pick<Toolkit, 'commands' | 'groups'>): Binary[] {
  const names = new Set(commands.map(({ definition }) => definition.name.split(' ')[0] ?? ''));
  return [...names].map((name) => {
    const leaves = commands.flatMap((command) => placesOf(command, name).map((words) => leaf(words, command)));
    return { name, nodes: withInner(leaves, groups, name) };
  });
}

/** Where a command stands behind a binary: nowhere, at once, behind its second word, or behind `voltpipe`. */
function placesOf({ definition }: DescribedCommand, binary: string): string[][] {
  const words = definition.name.split(' ');
  if (words[0] === binary) return [words.slice(1)];
  return binary === 'voltpipe' ? [words] : [];
}

function leaf(words: readonly string[], { definition, own, common }: DescribedCommand): Node {
  return {
    words,
    summary: definition.summary,
    next: [],
    options: [...own, ...common].filter(({ flag }) => flag),
    arguments: definition.arguments ?? [],
  };
}

/** Adds the places in which a command is still to be chosen. */
function withInner(leaves: readonly Node[], groups: Toolkit['groups'], binary: string): Node[] {
  const inner = new Map<string, { words: readonly string[]; next: Map<string, string> }>();
  for (const { words, summary } of leaves) {
    for (const [depth, word] of words.entries()) {
      const before = words.slice(0, depth);
      const place = inner.get(before.join(' ')) ?? { words: before, next: new Map() };
      inner.set(before.join(' '), place);
      const isLast = depth === words.length - 1;
      const ofGroup = groups.find(({ name }) => name === word)?.summary;
      place.next.set(word, isLast ? summary : (ofGroup ?? place.next.get(word) ?? ''));
    }
  }
  const itself = (words: readonly string[]): Node | undefined =>
    leaves.find((node) => node.words.join(' ') === words.join(' '));
  const choices = [...inner.values()].map(
    ({ words, next }): Node => ({
      words,
      summary: groups.find(({ name }) => name === (words.at(-1) ?? binary))?.summary ?? '',
      options: [],
      arguments: [],
      ...itself(words),
      next: [...next].map(([word, summary]) => ({ word, summary })),
    }),
  );
  return [...choices, ...leaves.filter(({ words }) => !inner.has(words.join(' ')))];
}

/** Options that a place without a command of its own takes. */
export const groupFlags = [
  { flag: '--help', short: '-h', summary: 'print help and end' },
  { flag: '--version', short: '-V', summary: 'print the version and end' },
] as const;

/** A positional argument: what shall be offered for it. */
export function argumentWants({ name, choices }: Argument): 'choice' | 'file' | 'directory' | 'text' {
  if (choices) return 'choice';
  if (/file$/i.test(name)) return 'file';
  return /dir(ectory)?$/i.test(name) ? 'directory' : 'text';
}

/** A text as one word of a shell, in single quotes. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** The first line of a generated completion file. */
export function banner(binary: string, shell: string): string {
  return `${shell} completion of ${binary}, part of voltpipe. Generated from the definitions of the commands: do not edit.`;
}
