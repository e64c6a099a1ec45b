import type { Block } from './prose.ts';

/** A manual page in the man(7) language, built part by part. */
export interface Page {
  section(title: string): void;
  subsection(title: string): void;
  paragraph(text: string): void;
  /** A tagged paragraph. The tag is marked-up text, see {@link mark}. */
  entry(tag: string, ...paragraphs: readonly string[]): void;
  literal(lines: readonly string[]): void;
  blocks(blocks: readonly Block[]): void;
  toString(): string;
}

/** What stands at the top and bottom of a page. */
export interface PageTitle {
  name: string;
  section: 1 | 5 | 7;
  date: string;
  version: string;
}

/** Source lines are kept short, for diffs and because mandoc's lint asks for it. */
const lineLength = 76;

/**
 * Starts a page. Text given to it may hold `` `code` ``, shown bold, and `*value*`, shown in italics; everything else is taken as
 * it is, whatever roff would make of it.
 */
export function page(title: PageTitle): Page {
  const lines = [
    '.\\" Generated from the definitions of the commands: do not edit.',
    `.TH ${title.name.toUpperCase()} ${title.section} ${title.date} "voltpipe ${title.version}" "voltpipe manual"`,
  ];
  let fresh = true;
  const heading = (macro: string, text: string): void => {
    lines.push(`.${macro} ${escapeWords(text)}`);
    fresh = true;
  };
  const gap = (): void => {
    if (!fresh) lines.push('.PP');
    fresh = false;
  };
  const built: Page = {
    section: (text) => heading('SH', text.toUpperCase()),
    subsection: (text) => heading('SS', text),
    paragraph(text) {
      gap();
      lines.push(...fill(text));
    },
    entry(tag, ...paragraphs) {
      lines.push('.TP', atLineStart(mark(tag)));
      for (const [index, text] of paragraphs.entries()) {
        if (index > 0) lines.push('.IP');
        lines.push(...fill(text));
      }
      fresh = false;
    },
    literal(text) {
      gap();
      lines.push(
        '.RS 4',
        '.nf',
        ...text.map((line) => (line.trim() === '' ? '\\&' : atLineStart(escaped(line)))),
        '.fi',
        '.RE',
      );
    },
    blocks(list) {
      for (const block of list) {
        if (block.kind === 'literal') built.literal(block.lines);
        else if (block.kind === 'paragraph') built.paragraph(block.text);
        else {
          lines.push(block.number ? `.IP ${block.number} 4` : '.IP \\(bu 2', ...fill(block.text));
          fresh = false;
        }
      }
    },
    toString: () => `${lines.join('\n')}\n`,
  };
  return built;
}

const special: Readonly<Record<string, string>> = {
  '\\': '\\e',
  '-': '\\-',
  "'": '\\(aq',
  '`': '\\(ga',
  '^': '\\(ha',
  '~': '\\(ti',
};

/** Text as roff prints it unchanged. */
export function escaped(text: string): string {
  return text
    .replace(/[\\\-'`^~]/g, (character) => special[character] ?? character)
    .replace(
      /[^\n -~]/gu,
      (character) => `\\[u${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`,
    );
}

function escapeWords(text: string): string {
  return text.includes(' ') ? `"${escaped(text).replaceAll('"', '\\(dq')}"` : escaped(text);
}

/** Text with `` `code` `` and long flags in bold, `*value*` in italics. */
export function mark(text: string): string {
  return text
    .split(/(`[^`]+`|(?<![\w*])\*[^*\s][^*]*\*(?![\w*])|(?<![\w-])--[a-z][a-z-]*)/)
    .map((part, index) => {
      if (index % 2 === 0) return escaped(part);
      if (part.startsWith('--')) return `\\fB${escaped(part)}\\fR`;
      return `\\f${part.startsWith('`') ? 'B' : 'I'}${escaped(part.slice(1, -1))}\\fR`;
    })
    .join('');
}

/** A dot or an apostrophe at a line's start would be taken for a request. */
function atLineStart(line: string): string {
  return line.startsWith('.') || line.startsWith("'") ? `\\&${line}` : line;
}

/** Running text: a new line for each sentence, as manual sources have it, and none too long. */
function fill(text: string): string[] {
  const lines: string[] = [];
  let full = true;
  for (const word of mark(text)
    .split(/\s+/)
    .filter((part) => part !== '')) {
    const last = lines.at(-1) ?? '';
    if (full || last.length + 1 + word.length > lineLength) lines.push(atLineStart(word));
    else lines[lines.length - 1] = `${last} ${word}`;
    full = /[.!?](?:\\f[RP])?[)\]]?$/.test(word);
  }
  return lines;
}
