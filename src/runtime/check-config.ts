import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConfigTree } from './config.ts';
import { exit } from './exit.ts';
import type { Settings } from './settings.ts';
import { say } from './stderr.ts';

/** The schema that `npm run generate` writes, beside the bundle's folder. */
const schemaFile = join(typeof __dirname === 'string' ? __dirname : 'dist', '../schema/voltpipe.schema.json');

/**
 * Validates a configuration against the whole toolkit's schema, so that a typing error in a key is found too. Returns what is
 * wrong, each fault with its place: `bmw.vin: must be string`.
 */
export async function configFaults(tree: ConfigTree): Promise<string[]> {
  const { default: Ajv } = await import('ajv/dist/2020.js');
  const validate = new Ajv({ allErrors: true, strict: false }).compile(JSON.parse(readFileSync(schemaFile, 'utf8')));
  if (validate(tree)) return [];
  return (validate.errors ?? []).map(({ instancePath, message, params }) => {
    const place = instancePath.slice(1).replaceAll('/', '.') || 'top level';
    return 'additionalProperty' in params
      ? `${place}: unknown key '${params.additionalProperty}'`
      : `${place}: ${message}`;
  });
}

/** What the toolkit's schema says of one key. */
export interface KeySchema {
  /** It holds a secret, which no command shows and no command line takes. */
  writeOnly?: boolean;
  properties?: Readonly<Record<string, KeySchema>>;
  additionalProperties?: unknown;
}

/**
 * Keys that no command of the toolkit reads, with their place: `abrp.minIntervall`. Cheap enough for every run: a key that counts
 * for nothing would otherwise do so in silence.
 */
export function unknownKeys(tree: ConfigTree): string[] {
  const visit = (node: unknown, { properties, additionalProperties }: KeySchema, place: string): string[] => {
    if (!properties || additionalProperties !== false || typeof node !== 'object' || node === null) return [];
    return Object.entries(node).flatMap(([key, value]) => {
      const known = properties[key];
      return known ? visit(value, known, `${place}${key}.`) : [`${place}${key}`];
    });
  };
  // A bundle that has been taken out of its package has no schema beside it.
  return existsSync(schemaFile) ? visit(tree, JSON.parse(readFileSync(schemaFile, 'utf8')), '') : [];
}

let whole: KeySchema | undefined;

/** The schema of a dotted key; undefined for one that no command reads. */
export function schemaOf(key: string): KeySchema | undefined {
  whole ??= JSON.parse(readFileSync(schemaFile, 'utf8')) as KeySchema;
  let node: KeySchema | undefined = whole;
  for (const part of key.split('.')) node = node?.properties?.[part];
  return node;
}

/** `--check-config`: prints what is wrong with the files that a run would read. Returns the exit status, 0 or 78. */
export async function checkConfiguration(all: readonly Settings[]): Promise<number> {
  const files = new Map(all.flatMap(({ sources }) => sources.map(({ file, tree }) => [file, tree] as const)));
  if (files.size === 0) say('no configuration file: defaults hold\n');
  let status: number = exit.ok;
  for (const [file, tree] of files) {
    const faults = await configFaults(tree);
    if (faults.length > 0) status = exit.config;
    say(faults.length === 0 ? `${file}: valid\n` : faults.map((fault) => `${file}: ${fault}\n`).join(''));
  }
  return status;
}
