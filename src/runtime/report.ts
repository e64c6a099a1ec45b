import { CommandError, exit, sentence } from './exit.ts';
import type { Log } from './log.ts';
import { createRedactor } from './logger.ts';
import { said, say } from './stderr.ts';

/** Prints an error that came before there was a log. Returns the exit status. */
export function report(error: unknown, name: string): number {
  if (!(error instanceof CommandError)) {
    say(`${name}: bug: ${error instanceof Error ? error.stack : String(error)}\n`);
    return exit.software;
  }
  const shown = createRedactor().clean(sentence(error));
  for (const line of shown.split('\n')) say(`${name}: ${line}\n`);
  return error.status;
}

/** Ends the process once stderr has been read; stdout has been waited for already. */
export async function endProcess(status: number): Promise<never> {
  await said();
  process.exit(status);
}

/** Logs what a stage failed of: each fault a line, a bug with its stack. */
export function sayFailure(log: Log, error: unknown): void {
  if (error instanceof CommandError) for (const line of sentence(error).split('\n')) log.error(line);
  else log.error(`bug: ${error instanceof Error ? error.stack : String(error)}`);
}
