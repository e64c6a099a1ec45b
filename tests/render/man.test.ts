import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { commonKeys } from '../../src/records/common.ts';
import { vocabulary } from '../../src/records/vocabulary.ts';
import { commandPage, groupPage, sentence } from '../../src/render/man.ts';
import { configKeys, configPage } from '../../src/render/man-config.ts';
import { overviewPage } from '../../src/render/man-overview.ts';
import { recordsPage } from '../../src/render/man-records.ts';
import { escaped, mark } from '../../src/render/roff.ts';
import { requireService, runService } from '../support/services.ts';
import { sample, toolkit } from './samples.ts';

const pages = {
  command: commandPage(sample('melt-ice'), toolkit),
  group: groupPage(toolkit.groups[0]!, toolkit),
  records: recordsPage({ families: vocabulary, commonKeys }, toolkit),
  config: configPage(toolkit),
  overview: overviewPage(toolkit),
};

/** The page as a reader sees it: no overstrikes, one space between words. */
function read(mandoc: string, source: string): string {
  const text = runService(mandoc, ['-T', 'utf8', '-O', 'width=100'], { input: source });
  return text.replace(/.\u0008/g, '').replace(/[ \n]+/g, ' ');
}

for (const [name, source] of Object.entries(pages)) {
  test(`mandoc has nothing to say about a ${name} page`, (t) => {
    const mandoc = requireService(t, 'mandoc');
    if (!mandoc) return;
    const { stdout, status } = spawnSync(mandoc, ['-T', 'lint', '-W', 'style'], { input: source, encoding: 'utf8' });
    assert.equal(stdout, '');
    assert.equal(status, 0);
  });
}

test('a command page shows text as it was written, whatever roff makes of dots, quotes and backslashes', (t) => {
  const mandoc = requireService(t, 'mandoc');
  if (!mandoc) return;
  const text = read(mandoc, pages.command);
  for (const part of [
    '.first item, which starts with a dot',
    "melt-ice | jq .'time' \\ --raw",
    "It's **done** at 0 °C.",
    '-i, --interval DURATION',
    'Configuration: melt.minInterval, rateLimitSeconds.',
    'Environment: VOLTPIPE_MELT_MIN_INTERVAL, MELT_EVERY.',
    'Default: 90s.',
    'From 1 to 9.',
    'Credential: melt-api-key.',
    'One of slow, fast.',
    '--depth N',
    'Reads ice.',
    'Writes water.',
    'fridge(1)',
  ]) {
    assert.ok(text.includes(part), `${part}\n${text}`);
  }
});

test('the records page has every type and key of the vocabulary, and who writes it', (t) => {
  const mandoc = requireService(t, 'mandoc');
  if (!mandoc) return;
  const text = read(mandoc, pages.records);
  for (const { type, keys } of vocabulary) {
    assert.ok(text.includes(type), type);
    for (const { name } of keys) assert.ok(text.includes(`${name} (`), `${type}.${name}`);
  }
  const made = recordsPage({ families: [{ type: 'ice', summary: 'ice', keys: [] }], commonKeys }, toolkit);
  assert.match(read(mandoc, made), /Written by fridge ice, fridge hail, voltpipe demo\. Read by melt-ice\./);
  const later = recordsPage({ families: [{ type: 'fog', summary: 'fog', keys: [] }], commonKeys }, toolkit);
  assert.match(read(mandoc, later), /no command of this version writes or reads it/);
});

test('the configuration page has every key with its names and readers', (t) => {
  const mandoc = requireService(t, 'mandoc');
  if (!mandoc) return;
  const text = read(mandoc, pages.config);
  assert.match(
    text,
    /melt\.minInterval \(duration\) .*Also: rateLimitSeconds\. Flag: --interval\. .*Read by melt-ice\./,
  );
  assert.match(text, /logging\.level \(choice\) .*Read by all commands\./);
});

test('two commands that give one key different types are an error', () => {
  const { definition, own, common } = sample('melt-ice');
  const other = own.map((option) =>
    option.keys[0] === 'melt.mode' ? { ...option, spec: { ...option.spec, type: 'flag' as const } } : option,
  );
  const commands = [sample('melt-ice'), { definition: { ...definition, name: 'other' }, own: other, common }];
  assert.throws(() => configKeys({ commands }), /other: melt\.mode is flag here and choice elsewhere/);
});

test('the overview lists every command under its kind', (t) => {
  const mandoc = requireService(t, 'mandoc');
  if (!mandoc) return;
  assert.match(read(mandoc, pages.overview), /Sources fridge ice Makes ice\. See fridge-ice\(1\)\..* Filters melt-ice/);
});

test('roff gets its own characters escaped and anything beyond ASCII by code point', () => {
  assert.equal(escaped("a-b 'c' \\d `e` ^f ~g"), 'a\\-b \\(aqc\\(aq \\ed \\(gae\\(ga \\(haf \\(tig');
  assert.equal(escaped('°…🚗'), '\\[u00B0]\\[u2026]\\[u1F697]');
  assert.equal(mark('`x` and *y* and 2*3*4 --dry-run'), '\\fBx\\fR and \\fIy\\fR and 2*3*4 \\fB\\-\\-dry\\-run\\fR');
});

test('a phrase becomes a sentence, but a name that starts small stays', () => {
  assert.equal(sentence('what it does'), 'What it does.');
  assert.equal(sentence('ends with a question?'), 'Ends with a question?');
  assert.equal(sentence('`id_token` of BMW'), '`id_token` of BMW.');
  assert.equal(sentence('mqtt.url alone'), 'mqtt.url alone.');
});
