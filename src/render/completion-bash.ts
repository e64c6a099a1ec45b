import { argumentWants, type Binary, banner, groupFlags, type Node, quote } from './completion.ts';

/** The completion of one binary for bash 3.2 and later; needs nothing of the bash-completion package. */
export function bashCompletion({ name, nodes }: Binary): string {
  const entry = `_voltpipe_complete_${name.replaceAll('-', '_')}`;
  return `# ${banner(name, 'bash')}

${helpers}
${entry}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} at='' i
  COMPREPLY=()
  # --flag=value comes as three words.
  if [[ $cur == '=' ]]; then
    cur=''
  elif [[ $prev == '=' ]]; then
    prev=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
${descent(nodes)}  case $at in
${nodes.map(branch).join('')}  esac
}

complete -F ${entry} ${name}
`;
}

const helpers = `_voltpipe_words() {
  local IFS=$' \\t\\n'
  COMPREPLY=($(compgen -W "$1" -- "$cur"))
}

_voltpipe_more() {
  local IFS=$' \\t\\n'
  COMPREPLY+=($(compgen -W "$1" -- "$cur"))
}

_voltpipe_files() {
  local IFS=$'\\n'
  COMPREPLY=($(compgen "$1" -- "$cur"))
  compopt -o filenames 2>/dev/null
  return 0
}
`;

/** Follows the words that lead to a command. */
function descent(nodes: readonly Node[]): string {
  const steps = nodes.filter(({ words }) => words.length > 0).map(({ words }) => quote(words.join(' ')));
  if (steps.length === 0) return '';
  return `  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${at:+$at }\${COMP_WORDS[i]}" in
${wrapPatterns(steps)})
        at="\${at:+$at }\${COMP_WORDS[i]}"
        ;;
      *) break ;;
    esac
  done
`;
}

function wrapPatterns(patterns: readonly string[]): string {
  return patterns.map((pattern) => `      ${pattern}`).join(' | \\\n');
}

function branch(node: Node): string {
  const lines = node.options.length > 0 ? completing(node) : choosing(node);
  return `    ${quote(node.words.join(' '))})\n${lines.map((line) => `      ${line}\n`).join('')}      ;;\n`;
}

function choosing({ next }: Node): string[] {
  const flags = groupFlags.flatMap(({ flag, short }) => [short, flag]);
  return [
    'if [[ $cur == -* ]]; then',
    `  _voltpipe_words ${quote(flags.join(' '))}`,
    'else',
    `  _voltpipe_words ${quote(next.map(({ word }) => word).join(' '))}`,
    'fi',
  ];
}

function completing({ next, options, arguments: args }: Node): string[] {
  const lines = ['case $prev in'];
  const free: string[] = [];
  for (const { flag, short, wants, spec } of options) {
    if (wants === 'nothing') continue;
    const names = [short, flag].filter((word) => word !== undefined);
    if (wants === 'text') free.push(...names);
    else lines.push(`  ${names.join(' | ')}) ${offer(wants, spec.choices)}; return ;;`);
  }
  if (free.length > 0) lines.push(`  ${free.join(' | ')}) return ;;`);
  lines.push('esac');
  const flags = options.flatMap(({ flag, short }) => [...(short ? [short] : []), flag]).join(' ');
  const words = args.flatMap((argument) => argument.choices ?? []);
  const places = args.map(argumentWants);
  lines.push(`if [[ $cur == -* ]]; then`, `  _voltpipe_words ${quote(flags)}`);
  if (words.length > 0) lines.push('else', `  ${offer('choice', words)}`);
  else if (places.includes('file')) lines.push('else', `  ${offer('file')}`);
  else if (places.includes('directory')) lines.push('else', `  ${offer('directory')}`);
  if (next.length > 0) lines.push(`  _voltpipe_more ${quote(next.map(({ word }) => word).join(' '))}`);
  lines.push('fi');
  return lines;
}

function offer(wants: 'choice' | 'file' | 'directory', choices: readonly string[] = []): string {
  if (wants === 'choice') return `_voltpipe_words ${quote(choices.join(' '))}`;
  return `_voltpipe_files ${wants === 'file' ? '-f' : '-d'}`;
}
