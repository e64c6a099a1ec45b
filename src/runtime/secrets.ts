import { statSync } from 'node:fs';
import { join } from 'node:path';
import { credentialName, environmentNames, flagOf } from './common-options.ts';
import { lookUp } from './config.ts';
import { fail } from './exit.ts';
import type { OptionSpec } from './options.ts';
import type { Settings } from './settings.ts';
import { readText } from './text-file.ts';

/**
 * Finds a secret: `--<name>-file` (`-` is stdin), `$CREDENTIALS_DIRECTORY/<name>`, `<ENV>_FILE`, the environment, the
 * configuration file. Never from the command line itself. White space around it is dropped. Undefined: it is nowhere.
 *
 * @throws exit status 78 when what was named cannot be read or is no text
 */
export function findSecret(
  name: string,
  spec: OptionSpec,
  settings: Pick<Settings, 'env' | 'sources'>,
  file: string | undefined,
): string | undefined {
  if (file !== undefined) return readSecret(file === '-' ? 0 : file, flagOf(name, spec) ?? name);
  const { env } = settings;
  const credentials = env.CREDENTIALS_DIRECTORY;
  if (credentials) {
    const path = join(credentials, credentialName(name, spec));
    if (isThere(path)) return readSecret(path, '$CREDENTIALS_DIRECTORY');
  }
  for (const variable of environmentNames(spec)) {
    const path = env[`${variable}_FILE`];
    if (path) return readSecret(path, `${variable}_FILE`);
    const value = env[variable]?.trim();
    if (value) return value;
  }
  for (const key of spec.key ? [spec.key, ...(spec.aliases ?? [])] : []) {
    for (const { file: config, tree } of settings.sources) {
      const value = lookUp(tree, key);
      // No name is an answer, too: it holds over the sources below. An empty secret is one that nobody has filled in.
      if (typeof value === 'string' && (spec.open || value.trim() !== '')) return value.trim();
      // YAML reads 0123 and 1e5 as numbers: what was typed is lost.
      if (value !== undefined && typeof value !== 'string') {
        throw fail('config', `${config}: ${key}: expected text`, 'Put it in quotes.');
      }
    }
  }
  return undefined;
}

function readSecret(file: string | 0, what: string): string {
  const shown = file === 0 ? 'stdin' : file;
  const text = readText(file, 'config', `${what}: ${shown}`).trim();
  if (text === '') throw fail('config', `${what}: ${shown}: is empty`);
  return text;
}

/** Anything but "not there" counts as there, so that the reading tells what is wrong. */
function isThere(path: string): boolean {
  try {
    statSync(path);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOENT';
  }
}
