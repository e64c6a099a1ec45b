import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { configSchema } from '../../src/render/config-schema.ts';
import { sample, toolkit } from './samples.ts';

const check = new Ajv2020({ allErrors: true }).compile(configSchema(toolkit));

const faults = (config: unknown): string[] => {
  check(config);
  return (check.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
};

test('a configuration with every key of the samples is valid (BMW-75)', () => {
  const config = {
    $schema: './voltpipe.schema.json',
    version: '1.0',
    melt: {
      minInterval: '1m',
      mode: 'fast',
      apiKey: 'secret',
      dry: true,
      only: ['kitchen', 'hall'],
      buffer: '64KiB',
      tries: 9,
      url: 'https://melt.example',
      tokens: { kitchen: 'a', hall: 'b' },
    },
    mapping: { ice: 'water' },
    logging: { level: 'INFO', file_logging: false, log_file: '/data/x.log', format: 'json' },
  };
  assert.deepEqual(faults(config), []);
});

test('an alias and a bare number of seconds are valid too', () => {
  assert.deepEqual(faults({ rateLimitSeconds: 10, melt: { only: 'kitchen,hall', buffer: 65_536 } }), []);
});

const wrong: Record<string, [unknown, string]> = {
  'a misspelt key': [{ melt: { mod: 'fast' } }, '/melt must NOT have additional properties'],
  'a misspelt section': [{ mlet: {} }, ' must NOT have additional properties'],
  'a word that is no choice': [{ melt: { mode: 'medium' } }, '/melt/mode must be equal to one of the allowed values'],
  'a number out of range': [{ melt: { tries: 10 } }, '/melt/tries must be <= 9'],
  'a fraction for a whole number': [{ melt: { tries: 1.5 } }, '/melt/tries must be integer'],
  'a duration without sense': [{ melt: { minInterval: 'soon' } }, '/melt/minInterval must match pattern'],
  'a size without sense': [{ melt: { buffer: '64 boxes' } }, '/melt/buffer must match pattern'],
  'text for a flag': [{ melt: { dry: 'yes' } }, '/melt/dry must be boolean'],
  'a token that is a number': [{ melt: { tokens: { kitchen: 1 } } }, '/melt/tokens/kitchen must be string'],
  'an address without a scheme': [{ melt: { url: 'melt.example' } }, '/melt/url must match pattern'],
  'a list at the top': [[], ' must be object'],
};

for (const [what, [config, message]] of Object.entries(wrong)) {
  test(`the configuration schema refuses ${what} (BMW-75)`, () => {
    assert.ok(
      faults(config).some((fault) => fault.startsWith(message)),
      faults(config).join('\n'),
    );
  });
}

test('a key that is a value here and a section there is an error of the definitions', () => {
  const { definition, own, common } = sample('melt-ice');
  const clash = own.map((option) => (option.name === 'mode' ? { ...option, keys: ['melt.mode.now'] } : option));
  const commands = [sample('melt-ice'), { definition, own: clash, common }];
  assert.throws(() => configSchema({ commands }), /melt\.mode\.now: mode is a value elsewhere/);
  assert.throws(() => configSchema({ commands: commands.reverse() }), /melt\.mode is a section elsewhere/);
});

test('each key says its environment names and its default', () => {
  const melt = configSchema(toolkit).properties?.melt?.properties;
  assert.match(String(melt?.minInterval?.description), /environment: VOLTPIPE_MELT_MIN_INTERVAL, MELT_EVERY/);
  assert.equal(melt?.minInterval?.default, '90s');
  assert.equal(melt?.apiKey?.default, undefined);
});
