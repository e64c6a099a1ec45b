import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './shell.ts';

/** The records in a text of NDJSON, as a command has printed it. */
export const parsed = <T = Record<string, unknown>>(text: string): T[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);

/** The vectors of a file below `tests/vectors`, one a line. */
export const vectorsIn = <T>(file: string): T[] => parsed<T>(readFileSync(join(root, 'tests/vectors', file), 'utf8'));
