import { isJsonObject, type JsonObject } from '../records/json.ts';
import { majorOf } from '../runtime/config.ts';
import { fail } from '../runtime/exit.ts';
import { readTextIfAny } from '../runtime/text-file.ts';

/** The layout that this release writes. */
export const layoutVersion = '1.0';

/** Turns a document of major version `from` into the next one; keys that it does not know it leaves alone. */
export interface Migration {
  from: number;
  apply(document: JsonObject): JsonObject;
}

/** There has been one layout so far. The next one adds its step here, and files of this one are taken up by it. */
const migrations: readonly Migration[] = [];

/**
 * Brings a document up to the layout of this release.
 *
 * @throws exit status 78 for a layout that is newer, or whose version can't be read
 */
export function migrate(file: string, document: JsonObject, steps = migrations, known = layoutVersion): JsonObject {
  const newest = majorOf(known);
  let major = majorOf(document.version);
  if (!(major <= newest)) {
    throw fail(
      'config',
      `${file}: version ${document.version} is not known, this release knows ${known}`,
      'Use the release that wrote it, or a newer one.',
    );
  }
  let current = document;
  for (; major < newest; major++) {
    const step = steps.find(({ from }) => from === major);
    if (!step) throw fail('config', `${file}: version ${document.version} is too old to be taken up`);
    current = { ...step.apply(current), version: `${major + 1}.0` };
  }
  return current.version === undefined ? { version: known, ...current } : current;
}

/**
 * Reads a document of the registry. A file that is not there is an empty one.
 *
 * @throws exit status 78 for what is no JSON object, 74 when it can't be read. The file is left as it is: nothing of the registry is
 * ever written over a file that could not be understood.
 */
export function readDocument(file: string): JsonObject {
  const text = readTextIfAny(file, 'io');
  if (text === undefined) return { version: layoutVersion };
  let tree: unknown;
  try {
    tree = JSON.parse(text);
  } catch (error) {
    throw broken(file, `not JSON: ${(error as Error).message.split('\n')[0]}`);
  }
  if (!isJsonObject(tree)) throw broken(file, 'expected keys at the top level');
  return migrate(file, tree);
}

/** The failure of a file that can't be understood. */
export function broken(file: string, why: string): Error {
  return fail('config', `${file}: ${why}`, 'Mend it or put it aside; it was not touched.');
}
