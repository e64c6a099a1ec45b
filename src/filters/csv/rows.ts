/** One row: its cells (undefined: nothing between the delimiters), and the number of the line that it begins on. */
export interface Row {
  cells: (string | undefined)[];
  line: number;
  /** Why it can't be trusted, a phrase. */
  fault?: string;
}

/** Reads rows from pieces of text. */
export interface RowReader {
  push(text: string): Row[];
  /** What is left when no more comes. */
  end(): Row[];
}

/** Longest row in characters: an open quote must not eat a whole file. */
const maxRow = 1 << 20;

/**
 * Reads CSV after RFC 4180: quoted cells may hold delimiters, line breaks and doubled quotes; lines end with `\n`, `\r\n` or `\r`; a
 * byte-order mark and blank lines are dropped. A quote inside a cell that is not quoted is a character like any other.
 */
export function rowReader(delimiter: string): RowReader {
  let cells: (string | undefined)[] = [];
  let cell = '';
  let quoted = false;
  let open = false;
  let line = 1;
  let began = 1;
  let length = 0;
  let pendingQuote = false;
  /** The character before was a `\r`: a `\n` behind it is no further line, and ends a row of nothing. */
  let returned = false;
  let fault: string | undefined;
  let skipping = false;
  let first = true;

  const endCell = (): void => {
    cells.push(cell === '' && !quoted ? undefined : cell);
    cell = '';
    quoted = false;
  };

  const endRow = (out: Row[]): void => {
    endCell();
    // What was no UTF-8 has become this when it was decoded. The text of another encoding would be garbled without a word.
    if (cells.some((text) => text?.includes('\ufffd'))) fault ??= 'not UTF-8';
    const blank = cells.length === 1 && cells[0] === undefined;
    if (!blank || fault) out.push({ cells, line: began, ...(fault ? { fault } : {}) });
    cells = [];
    fault = undefined;
    skipping = false;
    length = 0;
    began = line;
  };

  /** One character; `open` is inside quotes, `pendingQuote` just behind a quote there. */
  const take = (char: string, out: Row[]): void => {
    if (pendingQuote) {
      pendingQuote = false;
      if (char === '"') {
        cell += char;
        return;
      }
      open = false;
    }
    const isBreak = char === '\n' || char === '\r';
    if (isBreak && !(returned && char === '\n')) line++;
    returned = char === '\r';
    if (++length > maxRow && !skipping) {
      fault = `longer than ${maxRow} characters`;
      skipping = true;
      open = false;
      cells = [];
      cell = '';
      quoted = false;
    }
    if (skipping) {
      if (isBreak) endRow(out);
      return;
    }
    if (open) {
      if (char === '"') pendingQuote = true;
      else cell += char;
    } else if (char === '"' && cell === '' && !quoted) {
      quoted = true;
      open = true;
    } else if (char === delimiter) endCell();
    else if (isBreak) endRow(out);
    else if (quoted) fault = 'text behind a closing quote';
    else cell += char;
  };

  return {
    push(text) {
      const out: Row[] = [];
      const from = first && text.charCodeAt(0) === 0xfeff ? 1 : 0;
      if (text !== '') first = false;
      for (let i = from; i < text.length; i++) take(text[i]!, out);
      return out;
    },
    end() {
      const out: Row[] = [];
      if (open && !pendingQuote) fault = 'a quote is not closed';
      pendingQuote = false;
      open = false;
      if (cell !== '' || quoted || cells.length > 0 || fault) endRow(out);
      return out;
    },
  };
}
