/** How cells become lines, beyond RFC 4180. */
export interface Dialect {
  /** One character between two cells. */
  delimiter: string;
  /**
   * Text that a spreadsheet would take for a formula gets a `'` before it. Names of devices come over the air from whoever is near:
   * `=HYPERLINK(…)` is a name too. (OWASP, CSV injection.)
   */
  escapeFormulas: boolean;
}

/** What a column makes of a record. Text is quoted where needed; numbers and booleans never are. */
export type Cell = string | number | boolean | undefined;

const opensFormula = /^[=+\-@\t\r]/;
const mustQuote = /["\r\n]/;
const escapedFormula = /^'[=+\-@\t\r]/;

/** Writes cells as one line without its end. An unknown value is an empty cell; a text that is empty is `""`. */
export function lineWriter({ delimiter, escapeFormulas }: Dialect): (cells: readonly Cell[]) => string {
  const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  const write = (cell: Cell): string => {
    if (cell === undefined) return '';
    if (typeof cell !== 'string') return String(cell);
    if (cell === '') return '""';
    const text = escapeFormulas && opensFormula.test(cell) ? `'${cell}` : cell;
    return text.includes(delimiter) || mustQuote.test(text) || text.trim() !== text ? quoted(text) : text;
  };
  return (cells) => cells.map(write).join(delimiter);
}

/** The text of a cell as it was before {@link lineWriter}. */
export function unescapeFormula(text: string, { escapeFormulas }: Dialect): string {
  return escapeFormulas && escapedFormula.test(text) ? text.slice(1) : text;
}
