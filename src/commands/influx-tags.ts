import { keyName, tagValue } from '../protocols/influx/names.ts';
import { fail } from '../runtime/exit.ts';
import type { Options, Values } from '../runtime/options.ts';

/** Options that say what is a tag. */
export const tagOptions = {
  tag: {
    type: 'string',
    repeatable: true,
    value: 'NAME=VALUE',
    summary: "tag that every point gets, as location=garage; a record's own tag of the same name wins",
  },
  staticTags: {
    type: 'map',
    key: 'influxdb.tags',
    summary: 'tags that every point gets, name → value; --tag adds to them, and wins where both have a name',
  },
  tags: {
    type: 'list',
    value: 'KEY,…',
    key: 'influxdb.tagKeys',
    summary: 'further keys of records that become tags, beside those that say what a record is about',
  },
} as const satisfies Options;

type TagValues = Values<typeof tagOptions>;

/** Why no point can have such a tag. */
function fault(name: string, value: string): string | undefined {
  if (name === 'time') return 'time is a name of the database itself';
  if (name.startsWith('_')) return 'names that begin with _ are those of the database itself';
  if (keyName(name) === '') return 'no name';
  return tagValue(value) === '' ? 'no value' : undefined;
}

/**
 * The tags of every point, name → value: those of the configuration, then those of `--tag`.
 *
 * @throws exit status 64 for a `--tag`, 78 for one of the configuration that can't be a tag
 */
export function staticTagsOf({ tag, staticTags = {} }: TagValues): Readonly<Record<string, string>> {
  const tags = new Map<string, string>();
  const put = (status: 'config' | 'usage', shown: string, name: string, value: string): void => {
    const wrong = fault(name, value);
    if (wrong) throw fail(status, `${shown}: ${wrong}`);
    tags.set(name, value);
  };
  for (const [key, text] of Object.entries(staticTags)) {
    put('config', `influxdb.tags ${JSON.stringify(key)}`, key.trim(), text.trim());
  }
  for (const text of tag) {
    const at = text.indexOf('=');
    const shown = `--tag ${JSON.stringify(text)}`;
    if (at < 0) throw fail('usage', `${shown}: expected NAME=VALUE`, 'A key of records becomes a tag with --tags.');
    put('usage', shown, text.slice(0, at).trim(), text.slice(at + 1).trim());
  }
  return Object.fromEntries(tags);
}

/**
 * Refuses what is no tag, and a tag with its value in the place of a key, which would be none without a word.
 *
 * @param given names of the options that the command line has
 */
export function checkTags(opts: TagValues, given: ReadonlySet<string>): void {
  const misplaced = opts.tags.find((key) => key.includes('='));
  if (misplaced !== undefined) {
    const where = given.has('tags') ? '--tags' : 'influxdb.tagKeys';
    throw fail(
      given.has('tags') ? 'usage' : 'config',
      `${where} ${JSON.stringify(misplaced)}: expected keys of records`,
      `A tag of every point is --tag ${JSON.stringify(misplaced)}.`,
    );
  }
  staticTagsOf(opts);
}
