import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { exit } from './exit.ts';
import type { Settings } from './settings.ts';
import { say } from './stderr.ts';

/** The schema that `npm run generate` writes, beside the bundle's folder. */
const schemaFile = join(typeof __dirname === 'string' ? __dirname : 'dist', '../schema/voltpipe.schema.json');

/**
 * `--check-config`: validates the configuration files that a run would read against the whole toolkit's schema, so that a typing
 * error in a key is found. Prints every fault with its place. Returns the exit status: 0 or 78.
 */
export async function checkConfiguration(all: readonly Settings[]): Promise<number> {
  const { default: Ajv } = await import('ajv/dist/2020.js');
  const validate = new Ajv({ allErrors: true, strict: false }).compile(JSON.parse(readFileSync(schemaFile, 'utf8')));
  const files = new Map(all.flatMap(({ sources }) => sources.map(({ file, tree }) => [file, tree] as const)));
  if (files.size === 0) say('no configuration file: defaults hold\n');
  let faults = 0;
  for (const [file, tree] of files) {
    if (validate(tree)) {
      say(`${file}: valid\n`);
      continue;
    }
    for (const { instancePath, message, params } of validate.errors ?? []) {
      faults++;
      const place = instancePath.slice(1).replaceAll('/', '.') || 'top level';
      const extra = 'additionalProperty' in params ? ` '${params.additionalProperty}'` : '';
      say(`${file}: ${place}: ${message}${extra}\n`);
    }
  }
  return faults > 0 ? exit.config : exit.ok;
}
