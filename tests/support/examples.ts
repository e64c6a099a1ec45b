import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { background } from './background.ts';
import { cleanEnvironment, temporaryFolder } from './shell.ts';

/** A simulated pack, the words with which bms-read reads it, and an environment in which the examples of a pipeline run. */
export async function home(t: TestContext, extra: Record<string, string> = {}) {
  const folder = temporaryFolder('pipelines');
  const env = cleanEnvironment(folder, { SPOOL: join(folder, 'spool'), LOG: join(folder, 'log.ndjson'), ...extra });
  const pack = background(['simulate', 'jbd'], env);
  t.after(() => pack.stop());
  const endpoint = await pack.line(({ type }) => type === 'endpoint');
  const port = Object.values(endpoint).find((value) => String(value).startsWith('tcp://')) as string;
  return { folder, env, reader: `--port ${port} --type jbd --id bank` };
}

/** What a file holds; nothing when it is not there yet. */
export const textOf = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '');

/** The records in a text; a line that is not whole yet is none. */
export const recordsIn = (text: string): Record<string, unknown>[] =>
  text
    .split('\n')
    .flatMap((line) =>
      line.startsWith('{') && line.endsWith('}') ? [JSON.parse(line) as Record<string, unknown>] : [],
    );
