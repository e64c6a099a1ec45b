/** Width of the terminal behind stdout, 80 when there is none, never so wide that lines are hard to read. */
export function terminalWidth(): number {
  return Math.min(process.stdout.isTTY ? (process.stdout.columns ?? 80) : 80, 100);
}

/** Whether stdout shows colours: a terminal, and nobody said NO_COLOR. */
export function wantsColour(): boolean {
  return process.stdout.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
}

/** Prints text on stdout; a reader that went away is no failure. */
export function writeText(text: string): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.on('error', () => resolve());
    process.stdout.write(text, () => resolve());
  });
}
