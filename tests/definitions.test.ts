import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { commands, groups } from '../src/commands/index.ts';
import { vocabulary } from '../src/records/vocabulary.ts';
import { type DescribedCommand, type DescribedOption, describe } from '../src/render/described.ts';
import * as naming from '../src/runtime/common-options.ts';

const all: readonly DescribedCommand[] = await Promise.all(
  commands.map(async ({ load }) => describe((await load()).command, naming)),
);
const names = commands.map(({ name }) => name);
const everyOption = all.flatMap(({ definition, own, common }) =>
  [...own, ...common].map((option) => ({
    where: `${definition.name}: ${option.name}`,
    command: definition.name,
    option,
  })),
);

/** The values of a list that are in it more than once. */
const twice = (list: readonly string[]): string[] => list.filter((item, index) => list.indexOf(item) !== index);

test('the list names every command once', () => {
  assert.deepEqual(twice(names), []);
});

test('every command is described: a summary of one line, a description, examples', () => {
  for (const { definition } of all) {
    const { name, summary, description, examples } = definition;
    assert.match(summary, /^([a-z]|[A-Z]{2,}).*[^.]$/, name);
    assert.ok(summary.length <= 100, `${name}: ${summary.length} characters`);
    assert.ok(description.trim().length > summary.length, name);
    assert.ok(examples.length > 0, name);
  }
});

test('a first word with several commands behind it shows examples, too', () => {
  for (const { name, examples } of groups) assert.ok(examples.length > 0, name);
});

test('every summary of an option is a phrase: no capital at its start but in names, no full stop', () => {
  for (const { where, option } of everyOption) {
    assert.doesNotMatch(option.spec.summary, /^[A-Z][a-z]+ |\.$|^$/, `${where}: ${option.spec.summary}`);
  }
});

test('the summary of a flag that is on by default says what it does when on', () => {
  for (const { where, option } of everyOption) {
    if (option.spec.type !== 'flag' || option.spec.default !== true) continue;
    assert.doesNotMatch(option.spec.summary, /^(do not|don't|no|without|never) /, `${where}: ${option.spec.summary}`);
  }
});

test('the summary of a secret says what it is, not that it is in a file', () => {
  for (const { where, option } of everyOption) {
    if (option.spec.type === 'secret') assert.doesNotMatch(option.spec.summary, /\bfile with\b/, where);
  }
});

test('no command has a flag, a letter, an environment name or a key twice', () => {
  for (const { definition, own, common } of all) {
    const options = [...own, ...common];
    const lists = [
      options.flatMap(({ flag }) => flag ?? []),
      options.flatMap(({ short }) => short ?? []),
      options.flatMap(({ environment }) => environment),
      options.flatMap(({ keys }) => keys),
    ];
    for (const list of lists) assert.deepEqual(twice(list), [], definition.name);
  }
});

test('one word means one thing: a flag has the same type in every command', () => {
  const kindOf = ({ spec }: DescribedOption): string =>
    spec.type === 'list' ? 'string, several' : `${spec.type}${spec.repeatable ? ', several' : ''}`;
  const types = new Map<string, { where: string; type: string }>();
  for (const { where, option } of everyOption) {
    const { flag } = option;
    if (!flag || ['--check', '--from', '--max-age', '--type'].includes(flag)) continue;
    const first = types.get(flag) ?? { where, type: kindOf(option) };
    types.set(flag, first);
    assert.equal(kindOf(option), first.type, `${where} and ${first.where}`);
  }
});

test('a secret has no flag that takes its value (BMW-57)', () => {
  for (const { where, option } of everyOption) {
    if (option.spec.type === 'secret') assert.match(option.flag ?? '-file', /-file$/, where);
    if (option.spec.sensitive) assert.equal(option.flag, undefined, where);
  }
});

test('a default is one of the choices and inside the range', () => {
  for (const { where, option } of everyOption) {
    const { default: value, choices, min, max } = option.spec;
    if (value === undefined) continue;
    if (choices) assert.ok(choices.includes(String(value)), where);
    if (typeof value === 'number') assert.ok(value >= (min ?? value) && value <= (max ?? value), where);
  }
});

test('every source that ends by itself or not takes --count and --once (CARD-06)', () => {
  for (const { definition, common } of all) {
    if (definition.kind !== 'source') continue;
    const flags = common.map(({ flag }) => flag);
    assert.ok(flags.includes('--once') && flags.includes('--count'), definition.name);
  }
});

test('every command that runs on can serve health and metrics, none does so unasked (BMW-52, HAWK-142, C-10)', () => {
  for (const { definition, common } of all) {
    const http = common.find(({ flag }) => flag === '--http');
    assert.equal(http !== undefined, definition.longRunning === true, definition.name);
    assert.equal(http?.spec.default, undefined, definition.name);
  }
});

test('every record type that a command reads or writes is in the vocabulary', () => {
  const known = new Set(vocabulary.map(({ type }) => type));
  for (const { definition } of all) {
    for (const type of [...(definition.reads ?? []), ...(definition.writes ?? [])]) {
      assert.ok(known.has(type), `${definition.name}: ${type}`);
    }
  }
});

test('every page of ours that a manual points to is there', () => {
  const pages = new Set([
    ...[...names, ...groups.map(({ name }) => name)].map((name) => `${name.replaceAll(' ', '-')}(1)`),
    'voltpipe-config(5)',
    'voltpipe-records(5)',
    'voltpipe(7)',
  ]);
  for (const { definition } of all) {
    for (const page of definition.seeAlso ?? []) assert.ok(pages.has(page), `${definition.name}: ${page}`);
  }
});

test('the commands of the first pipeline read and write records (CARD-04)', () => {
  for (const name of ['bmw-login', 'bmw-stream', 'normalize', 'abrp-push']) {
    const command = all.find(({ definition }) => definition.name === name);
    assert.equal(command?.definition.format, 'record', name);
  }
});

/** The keys that the requirements name, with the command that must read each. */
const required: Record<string, string> = {
  'bmw.clientId': 'bmw-login', // BMW-54
  'bmw.tokens.access': 'bmw-stream', // BMW-55
  'bmw.tokens.refresh': 'bmw-stream',
  'bmw.tokens.id': 'bmw-stream',
  'bmw.vin': 'bmw-stream', // BMW-56
  'abrp.apiKey': 'abrp-push', // BMW-57
  'abrp.userToken': 'abrp-push',
  'mqtt.brokerUrl': 'bmw-stream', // BMW-58
  'mqtt.tls': 'bmw-stream',
  mapping: 'normalize', // BMW-59 to BMW-62
  rateLimitSeconds: 'abrp-push', // BMW-63
  'logging.level': 'normalize', // HAWK-64
  'logging.file_logging': 'normalize', // HAWK-65
  'logging.log_file': 'normalize', // HAWK-66
};

const readerOf = (key: string): DescribedOption | undefined =>
  everyOption.find(({ command, option }) => command === required[key] && option.keys.includes(key))?.option;

test('each configuration key of the requirements is read by its command (BMW-54 to BMW-58, BMW-63, HAWK-64 to HAWK-66)', () => {
  for (const key of Object.keys(required)) assert.ok(readerOf(key), `${required[key]} does not read ${key}`);
});

test('the defaults that the requirements fix are the defaults (BMW-58, BMW-63, HAWK-64 to HAWK-66)', () => {
  assert.equal(readerOf('rateLimitSeconds')?.spec.default, 10_000);
  assert.equal(readerOf('mqtt.tls')?.spec.default, true);
  assert.equal(readerOf('logging.level')?.spec.default, 'info');
  assert.notEqual(readerOf('logging.file_logging')?.spec.default, true);
  assert.equal(readerOf('logging.log_file')?.spec.default, '/data/battery_hawk.log');
});

test('a command that is only planned is promised nowhere as if it were there', () => {
  const readme = readFileSync('README.md', 'utf8');
  const planned = [
    'ble-scan',
    'bms-read',
    'tesla-serve',
    'ocpp-serve',
    'influx-write',
    'mqtt-pub',
    'ha-discovery',
    'dash-serve',
  ];
  for (const name of planned) if (!names.includes(name)) assert.ok(!readme.includes(name), name);
});
