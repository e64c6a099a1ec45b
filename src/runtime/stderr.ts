let used = false;

/** How long the end of the process waits for a reader of stderr that does not read. */
const patience = 1000;

/** Prints on stderr as it is. The stream is made with the first text: making it costs a millisecond. */
export function say(text: string): void {
  // A reader of messages that went away is no reason to end; without a listener it would be an error that nobody catches.
  if (!used) process.stderr.on('error', () => {});
  used = true;
  process.stderr.write(text);
}

/** Resolves when all that was said has left the process, or can't. */
export function said(): Promise<void> {
  if (!used) return Promise.resolve();
  return new Promise((resolve) => {
    process.stderr.write('', () => resolve());
    setTimeout(resolve, patience).unref();
  });
}
