import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { credentialName, environmentNames, flagOf } from './common-options.ts';
import { lookUp } from './config.ts';
import { fail } from './exit.ts';
import type { OptionSpec } from './options.ts';
import type { Settings } from './settings.ts';

/**
 * Finds a secret: `--<name>-file` (`-` is stdin), `$CREDENTIALS_DIRECTORY/<name>`, `<ENV>_FILE`, the environment, the
 * configuration file. Never from the command line itself. White space around it is dropped. Undefined: it is nowhere.
 *
 * @throws exit status 78 when a named file cannot be read
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
    const value = readOptional(join(credentials, credentialName(name, spec)));
    if (value !== undefined) return value;
  }
  for (const variable of environmentNames(spec)) {
    const path = env[`${variable}_FILE`];
    if (path) return readSecret(path, `${variable}_FILE`);
    const value = env[variable]?.trim();
    if (value) return value;
  }
  for (const key of spec.key ? [spec.key, ...(spec.aliases ?? [])] : []) {
    for (const { tree } of settings.sources) {
      const value = lookUp(tree, key);
      if (typeof value === 'string' && value.trim() !== '') return value.trim();
    }
  }
  return undefined;
}

function readSecret(file: string | 0, what: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim() || undefined;
  } catch (error) {
    throw fail('config', `${what}: ${file}: cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}

function readOptional(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}
