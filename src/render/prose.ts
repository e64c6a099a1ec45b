/** A piece of manual text: a paragraph, an item of a list (numbered or not), or lines that stay as they are. */
export type Block =
  | { kind: 'paragraph'; text: string }
  | { kind: 'item'; number?: string; text: string }
  | { kind: 'literal'; lines: readonly string[] };

/**
 * Reads the form of a `ManualSection`: blank lines separate, `- ` or `1. ` opens an item, two spaces at a line's start make it
 * literal, or part of the item before it.
 */
export function blocks(text: string): Block[] {
  const found: Block[] = [];
  for (const part of text.replace(/^\n+|\s+$/g, '').split(/\n[ \t]*\n/)) found.push(...blocksOf(part.split('\n')));
  return joinLiterals(found);
}

function blocksOf(lines: readonly string[]): Block[] {
  const found: Block[] = [];
  for (const line of lines) {
    const last = found.at(-1);
    const [, bullet, text = ''] = /^ {0,2}(-|\d+\.) +(.*)/.exec(line) ?? [];
    if (bullet) found.push({ kind: 'item', ...(bullet === '-' ? {} : { number: bullet }), text: text.trim() });
    else if (line.startsWith('  ') && last?.kind === 'item') last.text += ` ${line.trim()}`;
    else if (line.startsWith('  ')) {
      if (last?.kind === 'literal')
        found[found.length - 1] = { kind: 'literal', lines: [...last.lines, line.slice(2)] };
      else found.push({ kind: 'literal', lines: [line.slice(2)] });
    } else if (last && last.kind !== 'literal') last.text += ` ${line.trim()}`;
    else found.push({ kind: 'paragraph', text: line.trim() });
  }
  return found;
}

/** Literal lines with a blank line between them are one block. */
function joinLiterals(found: readonly Block[]): Block[] {
  const joined: Block[] = [];
  for (const block of found) {
    const last = joined.at(-1);
    if (block.kind === 'literal' && last?.kind === 'literal') {
      joined[joined.length - 1] = { kind: 'literal', lines: [...last.lines, '', ...block.lines] };
    } else joined.push(block);
  }
  return joined;
}

/** Breaks text into lines of at most `width` characters at its spaces; a longer word gets a line of its own. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/).filter((part) => part !== '')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/**
 * Breaks a shell command into lines of at most `width` characters that a shell still reads as one command: after `|`, `&&` and
 * `||` if there is one in the line, elsewhere with a backslash, never inside quotes. Continuation lines are indented by four.
 */
export function wrapCommand(command: string, width: number): string[] {
  return command.split('\n').flatMap((line) => wrapLine(line, width));
}

function wrapLine(command: string, width: number): string[] {
  const lines: string[] = [];
  let line: string[] = [];
  const indent = (): string => (lines.length > 0 ? '    ' : '');
  const close = (parts: readonly string[]): string =>
    indent() + parts.join(' ') + (endsCommand.test(parts.at(-1)!) ? '' : ' \\');
  for (const part of shellParts(command)) {
    while (line.length > 0 && close([...line, part]).length > width) {
      const at = line.findLastIndex((earlier) => endsCommand.test(earlier)) + 1 || line.length;
      lines.push(close(line.slice(0, at)));
      line = line.slice(at);
    }
    line.push(part);
  }
  return [...lines, indent() + line.join(' ')];
}

const endsCommand = /(\||&&|;)$/;

/** Words outside of quotes, a process substitution being one; a flag keeps its value and an operator stays behind what it ends. */
function shellParts(command: string): string[] {
  const words = command.match(/[<>]\([^()"']*\)|(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\]|["'])+/g) ?? [];
  const parts: string[] = [];
  for (const word of words) {
    const last = parts.at(-1);
    const isOperator = /^(\||\|\||&&|;)$/.test(word);
    const isValue = last !== undefined && /^-[^\s=]+$/.test(last) && !word.startsWith('-');
    if (last !== undefined && (isOperator || isValue)) parts[parts.length - 1] = `${last} ${word}`;
    else parts.push(word);
  }
  return parts;
}
