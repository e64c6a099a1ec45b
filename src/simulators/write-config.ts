import { writeDurably } from '../runtime/durable.ts';
import { fail } from '../runtime/exit.ts';
import { takeLock } from '../runtime/lock.ts';
import { readTextIfAny } from '../runtime/text-file.ts';

/** Configuration by section and key, as `{ abrp: { url: 'http://127.0.0.1:8080' } }`. */
export type ConfigSections = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

const lockWait = 10_000;

/**
 * Writes `sections` into a configuration file, YAML or (by its name) JSON, mode 0600. What the file says beyond the given keys
 * stays, comments included, so that several simulators started at once can share one file.
 *
 * @throws exit status 78 when the file is there and is no configuration, 74 when it cannot be written
 */
export async function writeConfig(path: string, sections: ConfigSections): Promise<void> {
  const release = await takeLock(path, { wait: lockWait });
  try {
    const old = readTextIfAny(path, 'io') ?? '';
    await writeDurably(
      path,
      path.endsWith('.json') ? mergeJson(path, old, sections) : await mergeYaml(path, old, sections),
    );
  } finally {
    await release();
  }
}

const unusable = (path: string, why: string): Error => fail('config', `${path}: cannot be extended: ${why}`);

const isTree = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function mergeJson(path: string, old: string, sections: ConfigSections): string {
  let tree: unknown;
  try {
    tree = old.trim() === '' ? {} : JSON.parse(old);
  } catch (error) {
    throw unusable(path, (error as Error).message);
  }
  if (!isTree(tree)) throw unusable(path, 'expected keys at the top level');
  for (const [section, keys] of Object.entries(sections)) {
    tree[section] = { ...(isTree(tree[section]) ? tree[section] : {}), ...keys };
  }
  return `${JSON.stringify(tree, null, 2)}\n`;
}

async function mergeYaml(path: string, old: string, sections: ConfigSections): Promise<string> {
  const { isMap, parseDocument } = await import('yaml');
  const document = parseDocument(old);
  const [fault] = document.errors;
  if (fault) throw unusable(path, fault.message.split('\n')[0] ?? 'not YAML');
  if (document.contents !== null && !isMap(document.contents)) throw unusable(path, 'expected keys at the top level');
  for (const [section, keys] of Object.entries(sections)) {
    if (!isMap(document.get(section))) document.set(section, document.createNode({}));
    for (const [key, value] of Object.entries(keys)) document.setIn([section, key], value);
  }
  return document.toString();
}
