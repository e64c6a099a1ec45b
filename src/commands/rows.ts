import type { Screen } from '../runtime/context.ts';

/** What stands before the text of a line: spaces, the number of an item. */
const start = /^ *(?:\d+\. )?/;

/** A text of several lines as it fits a terminal, the rows of a line below each other; elsewhere as it is. */
export function fitted(text: string, { interactive, columns }: Pick<Screen, 'interactive' | 'columns'>): string {
  if (!interactive) return text;
  const lines = text.split('\n');
  return lines.map((line) => rows(line, columns, ' '.repeat(start.exec(line)![0].length))).join('\n');
}

/**
 * Breaks a text at its spaces into rows of a terminal that is `columns` wide; a longer word is left to the terminal. The spaces that
 * the text begins with stay; `indent` stands before every row but the first.
 */
export function rows(text: string, columns: number, indent: string): string {
  const [first = '', ...words] = text.trim().split(/ +/);
  const lines = [' '.repeat(text.length - text.trimStart().length) + first];
  for (const word of words) {
    const longer = `${lines.at(-1)} ${word}`;
    // The last column is left free: a terminal may begin a row of its own behind it.
    if (longer.length < columns) lines[lines.length - 1] = longer;
    else lines.push(indent + word);
  }
  return lines.join('\n');
}
