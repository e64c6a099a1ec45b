import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cannotRead } from './text-file.ts';

/** A parsed configuration file, nested as it was written. */
export type ConfigTree = Readonly<Record<string, unknown>>;

/** A configuration and where it came from, for messages. */
export interface ConfigSource {
  file: string;
  tree: ConfigTree;
}

/** A configuration file that cannot be used. */
export class ConfigError extends Error {}

/** Where the configuration file is: named, by environment, the user's, the system's. A named one must exist. */
export function findConfigFile(
  named: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const wanted = named ?? (env.VOLTPIPE_CONFIG || undefined);
  if (wanted !== undefined) {
    if (!existsSync(wanted)) throw new ConfigError(`${wanted}: no such file`);
    return wanted;
  }
  const home = env.XDG_CONFIG_HOME || (env.HOME ? join(env.HOME, '.config') : undefined);
  return [home && join(home, 'voltpipe/config.yaml'), '/etc/voltpipe/config.yaml'].find(
    (path): path is string => typeof path === 'string' && existsSync(path),
  );
}

/** Reads a YAML or JSON file into a tree. Throws {@link ConfigError} with the place of the first fault. */
export async function readConfigFile(file: string): Promise<ConfigSource> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError(cannotRead(file, error));
  }
  let tree: unknown;
  try {
    tree = file.endsWith('.json') ? JSON.parse(text) : (await import('yaml')).parse(text);
  } catch (error) {
    throw new ConfigError(`${file}: ${(error as Error).message.split('\n')[0]!.replace(/:$/, '')}`);
  }
  if (tree === null || tree === undefined) return { file, tree: {} };
  if (typeof tree !== 'object' || Array.isArray(tree)) throw new ConfigError(`${file}: expected keys at the top level`);
  return { file, tree: tree as ConfigTree };
}

/** The major number of a layout's version: `"1.0"` → 1. A file without one is of the first layout. */
export function majorOf(version: unknown): number {
  return version === undefined || version === null ? 1 : Number.parseInt(String(version), 10);
}

/** A section on the way to a dotted key that holds a value in its place: `mqtt` of `mqtt: 1`. */
export function valueForSection(tree: ConfigTree, key: string): string | undefined {
  const parts = key.split('.');
  return parts
    .slice(0, -1)
    .map((_, i) => parts.slice(0, i + 1).join('.'))
    .find((section) => {
      const found = lookUp(tree, section);
      return found !== undefined && (typeof found !== 'object' || Array.isArray(found));
    });
}

/** The value at a dotted key, or undefined. */
export function lookUp(tree: ConfigTree, key: string): unknown {
  let node: unknown = tree;
  for (const part of key.split('.')) {
    if (typeof node !== 'object' || node === null || Array.isArray(node)) return undefined;
    node = (node as ConfigTree)[part];
  }
  return node === null ? undefined : node;
}
