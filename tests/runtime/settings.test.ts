import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { defineCommand } from '../../src/runtime/command.ts';
import { credentialName, environmentNames, flagOf } from '../../src/runtime/common-options.ts';
import { CommandError, fail } from '../../src/runtime/exit.ts';
import { parseCommandLine, settle } from '../../src/runtime/settings.ts';

const command = defineCommand({
  name: 'probe',
  kind: 'sink',
  input: 'required',
  format: 'record',
  longRunning: true,
  summary: 'x',
  description: 'x',
  options: {
    rate: {
      type: 'duration',
      short: 'r',
      default: 10_000,
      min: 1000,
      key: 'abrp.minInterval',
      aliases: ['rateLimitSeconds'],
      summary: 'x',
    },
    carModel: { type: 'string', key: 'abrp.carModel', env: ['BATTERYHAWK_MODEL'], summary: 'x' },
    tags: { type: 'list', key: 'abrp.tags', summary: 'x' },
    retain: { type: 'flag', default: true, key: 'mqtt.retain', summary: 'x' },
    port: { type: 'integer', max: 65_535, summary: 'x', repeatable: true },
    tokens: { type: 'map', sensitive: true, key: 'abrp.tokens', summary: 'x' },
    userToken: { type: 'secret', key: 'abrp.userToken', summary: 'x' },
  },
  arguments: [{ name: 'mode', summary: 'x', choices: ['fast', 'slow'] }],
  examples: [],
  check(opts) {
    if (opts.carModel === 'tank') throw fail('config', 'abrp.carModel: no tanks');
  },
  async *run() {},
});

interface Around {
  env?: Record<string, string>;
  config?: string;
  system?: object;
  inherited?: Record<string, unknown>;
}

/** Settles a command line in a home of its own. */
async function settled(argv: readonly string[], around: Around = {}) {
  const home = mkdtempSync(join(tmpdir(), 'voltpipe-settings-'));
  const data = join(home, 'data');
  mkdirSync(data);
  if (around.config !== undefined) {
    mkdirSync(join(home, '.config/voltpipe'), { recursive: true });
    writeFileSync(join(home, '.config/voltpipe/config.yaml'), around.config);
  }
  if (around.system) writeFileSync(join(data, 'system.json'), JSON.stringify(around.system));
  const env = { HOME: home, VOLTPIPE_DATA_DIR: data, ...around.env };
  const settings = await settle(command, await parseCommandLine(command, argv), env, around.inherited);
  return { ...settings, home };
}

async function refusal(argv: readonly string[], around: Around = {}): Promise<{ status: number; lines: string[] }> {
  const error = await settled(argv, around).then(
    () => assert.fail('nothing was refused'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof CommandError, String(error));
  return { status: error.status, lines: error.message.split('\n') };
}

test('flags beat the environment, that beats system.json, that beats the config file, that beats the default (BMW-53)', async () => {
  const config = 'abrp:\n  minInterval: 40\n';
  const system = { abrp: { minInterval: '30s' } };
  const env = { VOLTPIPE_ABRP_MIN_INTERVAL: '20s' };
  assert.equal((await settled([])).opts.rate, 10_000);
  assert.equal((await settled([], { config })).opts.rate, 40_000);
  assert.equal((await settled([], { config, system })).opts.rate, 30_000);
  assert.equal((await settled([], { config, system, env })).opts.rate, 20_000);
  assert.equal((await settled(['--rate', '15'], { config, system, env })).opts.rate, 15_000);
  assert.equal((await settled(['-r', '15'], { config, system, env })).opts.rate, 15_000);
});

test('flags of voltpipe run hold for a stage that does not say otherwise', async () => {
  const env = { VOLTPIPE_ABRP_MIN_INTERVAL: '20s' };
  assert.equal((await settled([], { env, inherited: { rate: '5s' } })).opts.rate, 5000);
  assert.equal((await settled(['--rate', '6s'], { env, inherited: { rate: '5s' } })).opts.rate, 6000);
});

test('an alias holds where the key itself is not given', async () => {
  assert.equal((await settled([], { config: 'rateLimitSeconds: 7' })).opts.rate, 7000);
  assert.equal((await settled([], { config: 'rateLimitSeconds: 7\nabrp: {minInterval: 8}' })).opts.rate, 8000);
});

test('system.json and the config file are merged key by key', async () => {
  const { opts } = await settled([], {
    config: 'abrp: {minInterval: 40, carModel: a}',
    system: { abrp: { carModel: 'b' } },
  });
  assert.deepEqual([opts.rate, opts.carModel], [40_000, 'b']);
});

test('the names that a requirement fixes hold beside our own, and below them', async () => {
  assert.equal((await settled([], { env: { BATTERYHAWK_MODEL: 'x' } })).opts.carModel, 'x');
  const both = { BATTERYHAWK_MODEL: 'x', VOLTPIPE_ABRP_CAR_MODEL: 'y' };
  assert.equal((await settled([], { env: both })).opts.carModel, 'y');
  const { common } = await settled([], {
    env: {
      BATTERYHAWK_LOGGING_LEVEL: 'DEBUG',
      BATTERYHAWK_LOGGING_FILE_LOGGING: 'true',
      BATTERYHAWK_LOGGING_LOG_FILE: '/x',
    },
  });
  assert.deepEqual([common.logLevel, common.fileLogging, common.fileLoggingPath], ['debug', true, '/x']);
});

test('logging is at INFO and in no file unless somebody says so (HAWK-64, HAWK-65, HAWK-66)', async () => {
  const { common } = await settled([]);
  assert.deepEqual(
    [common.logLevel, common.fileLogging, common.fileLoggingPath],
    ['info', false, '/data/battery_hawk.log'],
  );
  const hawk = 'logging: {level: WARN, file_logging: true}';
  assert.deepEqual((await settled([], { config: hawk })).common.logLevel, 'warn');
});

test('camelCase is split in environment names, flags and credential names', () => {
  const spec = command.options.rate;
  assert.deepEqual(environmentNames(spec), ['VOLTPIPE_ABRP_MIN_INTERVAL']);
  assert.deepEqual(environmentNames({ type: 'url', summary: 'x', key: 'bmw.clientId' }), ['VOLTPIPE_BMW_CLIENT_ID']);
  assert.deepEqual(environmentNames({ type: 'url', summary: 'x', key: 'bmw.brokerUrl' }), ['VOLTPIPE_BMW_BROKER_URL']);
  assert.equal(flagOf('carModel', command.options.carModel), '--car-model');
  assert.equal(flagOf('retain', command.options.retain), '--no-retain');
  assert.equal(flagOf('userToken', command.options.userToken), '--user-token-file');
  assert.equal(flagOf('tokens', command.options.tokens), undefined);
  assert.equal(credentialName('userToken', command.options.userToken), 'abrp-user-token');
});

test('a flag that is on by default is turned off by --no-…, the environment or the file', async () => {
  assert.equal((await settled([])).opts.retain, true);
  assert.equal((await settled(['--no-retain'])).opts.retain, false);
  assert.equal((await settled([], { env: { VOLTPIPE_MQTT_RETAIN: 'false' } })).opts.retain, false);
  assert.equal((await settled([], { config: 'mqtt: {retain: false}' })).opts.retain, false);
});

test('lists add up on the command line, and come as lists or with commas from elsewhere', async () => {
  assert.deepEqual((await settled(['--tags', 'a,b', '--tags', 'c'])).opts.tags, ['a', 'b', 'c']);
  assert.deepEqual((await settled([], { env: { VOLTPIPE_ABRP_TAGS: 'a,b' } })).opts.tags, ['a', 'b']);
  assert.deepEqual((await settled([], { config: 'abrp: {tags: [a, b]}' })).opts.tags, ['a', 'b']);
  assert.deepEqual((await settled([])).opts.tags, []);
  assert.deepEqual((await settled(['--port', '1', '--port', '2'])).opts.port, [1, 2]);
});

test('--no-config reads neither the config file nor system.json', async () => {
  const around = { config: 'abrp: {minInterval: 40}', system: { abrp: { minInterval: 30 } } };
  const { opts, sources } = await settled(['--no-config'], around);
  assert.equal(opts.rate, 10_000);
  assert.deepEqual(sources, []);
});

test('the config file is --config, else $VOLTPIPE_CONFIG, else the one of $XDG_CONFIG_HOME; JSON does as well', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'voltpipe-config-'));
  mkdirSync(join(folder, 'voltpipe'));
  const [json, yaml] = [join(folder, 'c.json'), join(folder, 'c.yaml')];
  writeFileSync(json, '{"abrp":{"minInterval":1}}');
  writeFileSync(yaml, 'abrp: {minInterval: 2}');
  writeFileSync(join(folder, 'voltpipe/config.yaml'), 'abrp: {minInterval: 3}');
  const env = { XDG_CONFIG_HOME: folder };
  assert.equal((await settled([], { env })).opts.rate, 3000);
  assert.equal((await settled([], { env: { ...env, VOLTPIPE_CONFIG: yaml } })).opts.rate, 2000);
  assert.equal((await settled(['--config', json], { env: { ...env, VOLTPIPE_CONFIG: yaml } })).opts.rate, 1000);
});

test('a .env file gives variables that are not set', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'voltpipe-env-')), '.env');
  writeFileSync(file, '# comment\nVOLTPIPE_ABRP_MIN_INTERVAL=25s\nexport VOLTPIPE_ABRP_CAR_MODEL="a b"\n');
  assert.deepEqual((await settled(['--env-file', file])).opts.rate, 25_000);
  assert.deepEqual((await settled(['--env-file', file])).opts.carModel, 'a b');
  const env = { VOLTPIPE_ABRP_MIN_INTERVAL: '26s' };
  assert.deepEqual((await settled(['--env-file', file], { env })).opts.rate, 26_000);
});

test('an empty variable or key is as good as none', async () => {
  const { opts } = await settled([], { env: { VOLTPIPE_ABRP_CAR_MODEL: '' }, config: 'abrp:\n  minInterval:\n' });
  assert.deepEqual([opts.carModel, opts.rate], [undefined, 10_000]);
});

test('mistakes on the command line alone are a usage error, all told at once', async () => {
  const { status, lines } = await refusal(['--rate', 'soon', '--port', '70000', '--timeout', 'x']);
  assert.equal(status, 64);
  assert.equal(lines.length, 3);
  assert.match(lines.join('\n'), /--rate "soon": expected a duration/);
  assert.match(lines.join('\n'), /--port .*70000.*: must be at most 65535/);
  assert.match(lines.join('\n'), /--timeout "x": expected a duration/);
});

test('mistakes in configuration and environment are told with those of the command line, exit status 78', async () => {
  const { status, lines } = await refusal(['--rate', 'soon'], {
    env: { VOLTPIPE_MQTT_RETAIN: 'perhaps' },
    config: 'abrp: {carModel: [a]}\nlogging: {level: loud}',
    system: { abrp: { tags: { a: 1 } } },
  });
  assert.equal(status, 78);
  assert.equal(lines.length, 5);
  const all = lines.join('\n');
  assert.match(all, /--rate "soon"/);
  assert.match(all, /VOLTPIPE_MQTT_RETAIN "perhaps": expected true or false/);
  assert.match(all, /config\.yaml: abrp\.carModel \["a"\]: expected one value, not a list/);
  assert.match(all, /config\.yaml: logging\.level "loud": expected one of debug, info, warn, error/);
  assert.match(all, /system\.json: abrp\.tags/);
});

test('a secret map with a mistake is never printed', async () => {
  const { lines } = await refusal([], { env: { VOLTPIPE_ABRP_TOKENS: 's3cr3t' } });
  assert.deepEqual(lines, ['VOLTPIPE_ABRP_TOKENS: expected key=value,key=value']);
});

const files: [string, string, RegExp][] = [
  ['broken YAML', 'a: [1', /config\.yaml: .*[^:]$/],
  ['a value for a section', 'abrp: 1', /^\S*config\.yaml: abrp 1: expected keys below it$/],
  ['a list at the top', '- a', /expected keys at the top level/],
  ['text at the top', 'hello', /expected keys at the top level/],
];
for (const [what, config, why] of files) {
  test(`a config file with ${what} is refused with its name, exit status 78`, async () => {
    const { status, lines } = await refusal([], { config });
    assert.equal(status, 78);
    assert.match(lines.join('\n'), why);
  });
}

test('an empty config file is no mistake', async () => {
  assert.equal((await settled([], { config: '' })).opts.rate, 10_000);
});

test('a named config file or .env file that is not there is a mistake', async () => {
  const { status, lines } = await refusal(['--config', '/nowhere/c.yaml', '--env-file', '/nowhere/.env']);
  assert.equal(status, 78);
  assert.match(lines.join('\n'), /\/nowhere\/\.env: cannot be read: no such file or folder \(ENOENT\)/);
  assert.match(lines.join('\n'), /\/nowhere\/c\.yaml: no such file/);
});

const wrong: [string, string[], RegExp][] = [
  ['an unknown option', ['--ratte', '1'], /unknown option '--ratte'.*--rate/],
  ['a missing value', ['--rate'], /^--rate: no value given$/],
  ['too many arguments', ['fast', 'more'], /^takes 1 argument, got 2$/],
  ['an argument that is no choice', ['middling'], /mode 'middling': expected one of fast, slow/],
];
for (const [what, argv, why] of wrong) {
  test(`${what} is a usage error`, async () => {
    const { status, lines } = await refusal(argv);
    assert.equal(status, 64);
    assert.match(lines.join(' '), why);
  });
}

test("a command's own check is part of the report", async () => {
  const { status, lines } = await refusal([], { config: 'abrp: {carModel: tank}' });
  assert.deepEqual({ status, lines }, { status: 78, lines: ['abrp.carModel: no tanks'] });
});

test('what follows -- is no option', async () => {
  const { args } = await settled(['--rate', '5', '--', 'fast']);
  assert.deepEqual(args, ['fast']);
});

test('directories: --data-dir, $VOLTPIPE_DATA_DIR, $STATE_DIRECTORY, $XDG_STATE_HOME', async () => {
  const where = async (argv: string[], env: Record<string, string>) =>
    (await settle(command, await parseCommandLine(command, argv), { HOME: '/h', ...env })).dataDir;
  assert.equal(await where([], {}), '/h/.local/state/voltpipe');
  assert.equal(await where([], { XDG_STATE_HOME: '/x' }), '/x/voltpipe');
  assert.equal(await where([], { XDG_STATE_HOME: '/x', STATE_DIRECTORY: '/s1:/s2' }), '/s1');
  assert.equal(await where([], { VOLTPIPE_DATA_DIR: '/d', STATE_DIRECTORY: '/s1:/s2' }), '/d');
  assert.equal(await where(['--data-dir', '/f'], { VOLTPIPE_DATA_DIR: '/d' }), '/f');
});

test('what flags say of files and directories is handed on to children as variables', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'voltpipe-settings-')), 'c.yaml');
  writeFileSync(file, 'abrp: {minInterval: 9}\n');
  assert.deepEqual((await settled(['-r', '15'])).handedOn, {});
  assert.deepEqual((await settled(['--config', file])).handedOn, { VOLTPIPE_CONFIG: file, VOLTPIPE_NO_CONFIG: '' });
  assert.deepEqual((await settled([], { inherited: { noConfig: true, dataDir: '/x' } })).handedOn, {
    VOLTPIPE_NO_CONFIG: '1',
    VOLTPIPE_DATA_DIR: '/x',
  });
  const env = { VOLTPIPE_NO_CONFIG: '1' };
  assert.equal((await settled([], { config: 'abrp: {minInterval: 8}', env })).opts.rate, 10_000);
  assert.equal((await settled(['--config', file], { env })).opts.rate, 9000);
  assert.equal(
    (await settled([], { config: 'abrp: {minInterval: 8}', env: { VOLTPIPE_NO_CONFIG: '0' } })).opts.rate,
    8000,
  );
});
