/**
 * A text as a QR code of half blocks, two rows of modules a line, with the quiet zone around it. Its light modules are drawn and
 * its dark ones left out: right on a dark terminal, and readable for today's cameras on a light one.
 */
export async function qrCode(text: string): Promise<string> {
  const { default: qrcode } = await import('qrcode-generator');
  const code = qrcode(0, 'L');
  code.addData(text);
  code.make();
  const size = code.getModuleCount();
  const dark = (row: number, column: number): boolean =>
    row >= 0 && column >= 0 && row < size && column < size && code.isDark(row, column);
  const lines: string[] = [];
  for (let row = -quiet; row < size + quiet; row += 2) {
    let line = '';
    for (let column = -quiet; column < size + quiet; column++) {
      line += blocks[(dark(row, column) ? 1 : 0) + (dark(row + 1, column) ? 2 : 0)];
    }
    lines.push(line);
  }
  return lines.join('\n');
}

const quiet = 2;
/** By which of the two modules is dark: none, the upper, the lower, both. */
const blocks = ['█', '▄', '▀', ' '] as const;
