import { argumentWants, type Binary, banner, groupFlags, type Node, quote } from './completion.ts';
import { type DescribedOption, flagSummary, type Wants } from './described.ts';

/** The completion of one binary for fish: a file `name.fish` in a folder of `$fish_complete_path`. */
export function fishCompletion({ name, nodes }: Binary): string {
  const nested = nodes.some(({ words }) => words.length > 0);
  const at = `__voltpipe_${name.replaceAll('-', '_')}_at`;
  const lines = nodes.flatMap((node) => {
    const condition = nested ? ` -n ${quote([at, ...node.words].join(' '))}` : '';
    return (node.options.length > 0 ? completing(node) : choosing(node)).map(
      (rest) => `complete -c ${name}${condition}${rest}`,
    );
  });
  return `# ${banner(name, 'fish')}
${nested ? helper(at, nodes) : ''}
complete -c ${name} -f
${lines.join('\n')}
`;
}

/** Tells which command the words so far have led to. */
function helper(at: string, nodes: readonly Node[]): string {
  const places = nodes.filter(({ words }) => words.length > 0).map(({ words }) => quote(words.join(' ')));
  return `
function ${at}
    set -l places ${places.join(' ')}
    set -l at
    for word in (commandline -opc)[2..-1]
        contains -- (string join ' ' $at $word) $places; or break
        set -a at $word
    end
    test "$at" = "$argv"
end
`;
}

function choosing({ next }: Node): string[] {
  return [
    ...following(next),
    ...groupFlags.map(({ flag, short, summary }) => ` -l ${flag.slice(2)} -s ${short.slice(1)} -d ${quote(summary)}`),
  ];
}

const following = (next: Node['next']): string[] =>
  next.map(({ word, summary }) => ` -a ${word} -d ${quote(fishText(summary))}`);

function completing({ next, options, arguments: args }: Node): string[] {
  return [
    ...following(next),
    ...options.map(optionRest),
    ...args.flatMap((argument) => {
      const wants = argumentWants(argument);
      if (wants === 'text') return [];
      if (wants === 'file') return [' -F'];
      const words =
        wants === 'choice' ? quote((argument.choices ?? []).join(' ')) : quote('(__fish_complete_directories)');
      return [` -a ${words} -d ${quote(fishText(argument.summary))}`];
    }),
  ];
}

function optionRest(option: DescribedOption): string {
  const { flag = '', short, wants, spec } = option;
  const names = ` -l ${flag.slice(2)}${short ? ` -s ${short.slice(1)}` : ''}`;
  return `${names}${takes(wants, spec.choices)} -d ${quote(fishText(flagSummary(option)))}`;
}

function takes(wants: Wants, choices: readonly string[] = []): string {
  if (wants === 'nothing') return '';
  if (wants === 'choice') return ` -x -a ${quote(choices.join(' '))}`;
  if (wants === 'file') return ' -r -F';
  return wants === 'directory' ? ` -x -a '(__fish_complete_directories)'` : ' -x';
}

/** In fish a backslash counts inside single quotes too. */
function fishText(text: string): string {
  return text.replaceAll('\\', '\\\\');
}
