import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { ConfigError, type ConfigSource, findConfigFile, majorOf, readConfigFile } from './config.ts';
import type { CommandLine } from './settings.ts';
import { cannotRead } from './text-file.ts';

/** The environment as a command sees it. */
export type Env = Readonly<Record<string, string | undefined>>;

/** Something that is wrong with a command line (64) or a configuration (78). */
export interface Problem {
  status: 64 | 78;
  text: string;
}

/** Reads the variables of --env-file under those that are set already. */
export function environment(named: unknown, env: Env, problems: Problem[]): Env {
  if (typeof named !== 'string') return env;
  try {
    return { ...parseEnv(readFileSync(named, 'utf8')), ...env };
  } catch (error) {
    problems.push({ status: 78, text: cannotRead(named, error) });
    return env;
  }
}

/** The flags that say where settings and data come from, as variables; a flag of the child's own still wins. */
export function handedOn(given: CommandLine['flags'], env: Env, processEnv: Env): Record<string, string> {
  const { config, noConfig, dataDir } = given;
  const added = Object.entries(env).filter(([name, value]) => value !== undefined && processEnv[name] === undefined);
  return {
    ...(Object.fromEntries(added) as Record<string, string>),
    ...(typeof config === 'string' ? { VOLTPIPE_CONFIG: resolve(config), VOLTPIPE_NO_CONFIG: '' } : {}),
    ...(noConfig ? { VOLTPIPE_NO_CONFIG: '1' } : {}),
    ...(typeof dataDir === 'string' ? { VOLTPIPE_DATA_DIR: resolve(dataDir) } : {}),
  };
}

/** Whether no configuration shall be read. */
export const readsNoConfig = ({ flags }: CommandLine, env: Env): boolean =>
  flags.noConfig === true ||
  (flags.config === undefined && !['', '0', 'false', undefined].includes(env.VOLTPIPE_NO_CONFIG));

/** The configuration files that hold, strongest first; what is wrong with them goes to `problems`. */
export async function configSources(
  line: CommandLine,
  env: Env,
  dataDir: string,
  problems: Problem[],
): Promise<ConfigSource[]> {
  if (readsNoConfig(line, env)) return [];
  const sources: ConfigSource[] = [];
  const read = async (file: string | undefined): Promise<void> => {
    if (file) sources.push(await readConfigFile(file));
  };
  for (const step of [
    () => read(existing(systemFile(dataDir))).then(() => sources.forEach(refuseNewer)),
    () => read(findConfigFile(line.flags.config as string | undefined, env)),
  ]) {
    try {
      await step();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push({ status: 78, text: error.message });
    }
  }
  return sources;
}

/** The settings that `registry set` and the API write; they go over the configuration file key by key. */
export function systemFile(dataDir: string): string {
  return join(dataDir, 'system.json');
}

/** A file that a later release has written may mean something else by the same keys. */
function refuseNewer({ file, tree }: ConfigSource): void {
  if (majorOf(tree.version) <= 1) return;
  throw new ConfigError(`${file}: version ${tree.version} is not known, this release knows 1.0`);
}

/** A file that is there but can't be read is a problem to report, one that is not there is none. */
function existing(path: string): string | undefined {
  return existsSync(path) ? path : undefined;
}
