import { isAbsolute, join, resolve } from 'node:path';
import { fail } from './exit.ts';
import { makeFolder } from './folder.ts';
import { inWords } from './system-error.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** systemd may name several directories, separated by colons: the first is ours. */
const first = (list: string | undefined): string | undefined => list?.split(':')[0] || undefined;

/** The directory of tokens, registry, ledgers and filter state. */
export function dataDirectory(named: string | undefined, env: Env): string {
  const home = env.HOME ?? '/';
  const path =
    named ??
    env.VOLTPIPE_DATA_DIR ??
    first(env.STATE_DIRECTORY) ??
    join(env.XDG_STATE_HOME || join(home, '.local/state'), 'voltpipe');
  return isAbsolute(path) ? path : resolve(path);
}

/** The directory of sockets and adapter locks. */
export function runtimeDirectory(env: Env, uid: number): string {
  const systemd = first(env.RUNTIME_DIRECTORY);
  if (systemd) return systemd;
  if (env.XDG_RUNTIME_DIR) return join(env.XDG_RUNTIME_DIR, 'voltpipe');
  return uid === 0 ? '/run/voltpipe' : join('/tmp', `voltpipe-${uid}`);
}

/** Makes a directory that only its owner may enter, if it is not there yet. Throws exit status 74 where that can't be done. */
export function ensureDirectory(path: string): string {
  try {
    makeFolder(path);
  } catch (error) {
    throw fail('io', `${path}: cannot be made: ${inWords(error)}`, 'Name another with --data-dir.');
  }
  return path;
}
