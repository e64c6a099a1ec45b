/**
 * Breaks a text at its spaces into rows of a terminal that is `columns` wide; a longer word is left to the terminal. The spaces that
 * the text begins with stay; `indent` stands before every row but the first.
 */
export function rows(text: string, columns: number, indent: string): string {
  const [start = ''] = /^ */.exec(text)!;
  const [first = '', ...words] = text.trim().split(/ +/);
  const lines = [start + first];
  for (const word of words) {
    const longer = `${lines.at(-1)} ${word}`;
    // The last column is left free: a terminal may begin a row of its own behind it.
    if (longer.length < columns) lines[lines.length - 1] = longer;
    else lines.push(indent + word);
  }
  return lines.join('\n');
}
