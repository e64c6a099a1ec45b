import { readFileSync } from 'node:fs';
import { fail } from './exit.ts';
import { codeOf, inWords } from './system-error.ts';

/** The sentence of what can't be read: `--ca /x/y.pem: cannot be read: permission denied (EACCES)`. */
export const cannotRead = (what: string, error: unknown): string => `${what}: cannot be read: ${inWords(error)}`;

/**
 * The whole text of a file, UTF-8.
 *
 * @param file its path, or 0 for stdin
 * @param status of the failure: `config` where the user names the file, `io` where it is ours
 * @param what the file in messages: its path, and before it what it is for
 */
export function readText(file: string | 0, status: 'config' | 'io', what = String(file)): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const next = codeOf(error) === 'EACCES' ? 'Check its owner and mode.' : undefined;
    throw fail(status, cannotRead(what, error), next, error);
  }
}

/** The same; undefined where there is no such file. */
export function readTextIfAny(file: string, status: 'config' | 'io'): string | undefined {
  try {
    return readText(file, status);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
