import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkTags, staticTagsOf } from '../../src/commands/influx-tags.ts';
import { command } from '../../src/commands/influx-write.ts';
import { CommandError } from '../../src/runtime/exit.ts';
import { settle } from '../../src/runtime/settings.ts';
import { temporaryFolder } from '../support/shell.ts';

/** The tags of every point, as a command line and an environment say them. */
async function tagsOf(tag: string[], variable = ''): Promise<Readonly<Record<string, string>>> {
  const dir = temporaryFolder('data');
  const { opts } = await settle(
    command,
    { flags: { tag, noConfig: true }, args: [] },
    { VOLTPIPE_DATA_DIR: dir, VOLTPIPE_INFLUXDB_TAGS: variable },
  );
  return staticTagsOf(opts as Parameters<typeof staticTagsOf>[0]);
}

const failure = (status: number, message: RegExp) => (error: unknown) =>
  error instanceof CommandError && error.status === status && message.test(error.message);

test('--tag adds to influxdb.tags and wins, the later over the earlier; a value may hold =', async () => {
  assert.deepEqual(await tagsOf(['host=pi', ' room = a=b ', 'host=nas'], 'host=x,location=garage'), {
    host: 'nas',
    location: 'garage',
    room: 'a=b',
  });
  assert.deepEqual(await tagsOf([]), {});
});

test('what can be no tag is refused with its reason: 64 from the command line, 78 from the configuration', async () => {
  const refused: [string, RegExp][] = [
    ['garage', /^--tag "garage": expected NAME=VALUE/],
    ['=garage', /^--tag "=garage": no name/],
    [' =garage', /no name/],
    ['location=', /no value/],
    ['location= ', /no value/],
    ['location=\\', /no value/],
    ['time=now', /^--tag "time=now": time is a name of the database/],
    ['_field=x', /begin with _/],
  ];
  for (const [text, message] of refused) await assert.rejects(tagsOf([text]), failure(64, message), text);
  await assert.rejects(tagsOf([], 'time=now'), failure(78, /^influxdb\.tags "time": time is a name of the database/));
  await assert.rejects(tagsOf([], 'location='), failure(78, /^influxdb\.tags "location": no value/));
});

test('a tag with its value is no key of records: --tags refuses it and names --tag', () => {
  const opts = { tag: [], staticTags: undefined, tags: ['alarm', 'host=pi'] };
  assert.throws(() => checkTags(opts, new Set(['tags'])), failure(64, /^--tags "host=pi": expected keys of records/));
  assert.throws(() => checkTags(opts, new Set()), failure(78, /^influxdb\.tagKeys "host=pi"/));
});
