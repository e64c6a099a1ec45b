let used = false;

/** Prints on stderr as it is. The stream is made with the first text: making it costs a millisecond. */
export function say(text: string): void {
  used = true;
  process.stderr.write(text);
}

/** Resolves when all that was said has left the process. */
export function said(): Promise<void> {
  if (!used) return Promise.resolve();
  return new Promise((resolve) => {
    process.stderr.write('', () => resolve());
  });
}
