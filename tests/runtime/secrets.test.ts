import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CommandError } from '../../src/runtime/exit.ts';
import type { OptionSpec } from '../../src/runtime/options.ts';
import { findSecret } from '../../src/runtime/secrets.ts';

const spec: OptionSpec = {
  type: 'secret',
  key: 'abrp.apiKey',
  aliases: ['abrpKey'],
  env: ['ABRP_API_KEY'],
  summary: 'x',
};
const folder = mkdtempSync(join(tmpdir(), 'voltpipe-secret-'));
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const find = (from: { file?: string; env?: Record<string, string>; trees?: object[] }): string | undefined =>
  findSecret(
    'apiKey',
    spec,
    {
      env: from.env ?? {},
      sources: (from.trees ?? []).map((tree, i) => ({ file: `config${i}`, tree: tree as Record<string, unknown> })),
    },
    from.file,
  );

test('a secret is sought in its file, the credentials, the environment, the configuration, in that order (BMW-57)', () => {
  const credentials = join(folder, 'credentials');
  mkdirSync(credentials);
  writeFileSync(join(credentials, 'abrp-api-key'), 'from-credential\n');
  const trees = [{ abrp: { apiKey: 'from-system' } }, { abrp: { apiKey: 'from-config' } }];
  const env = {
    CREDENTIALS_DIRECTORY: credentials,
    VOLTPIPE_ABRP_API_KEY_FILE: file('variable', 'from-file-variable\n'),
    VOLTPIPE_ABRP_API_KEY: 'from-own-variable',
    ABRP_API_KEY: 'from-fixed-variable',
  };
  const without = (...names: string[]) =>
    Object.fromEntries(Object.entries(env).filter(([name]) => !names.includes(name)));
  assert.equal(find({ file: file('flag', ' from-flag\n'), env, trees }), 'from-flag');
  assert.equal(find({ env, trees }), 'from-credential');
  assert.equal(find({ env: without('CREDENTIALS_DIRECTORY'), trees }), 'from-file-variable');
  const noFile = without('CREDENTIALS_DIRECTORY', 'VOLTPIPE_ABRP_API_KEY_FILE');
  assert.equal(find({ env: noFile, trees }), 'from-own-variable');
  assert.equal(find({ env: { ABRP_API_KEY: 'from-fixed-variable' }, trees }), 'from-fixed-variable');
  assert.equal(find({ trees }), 'from-system');
  assert.equal(find({ trees: trees.slice(1) }), 'from-config');
  assert.equal(find({ trees: [{ abrpKey: 'from-alias' }] }), 'from-alias');
  assert.equal(find({}), undefined);
});

test('an empty variable, file or key is as good as none', () => {
  const env = { ABRP_API_KEY: ' ', VOLTPIPE_ABRP_API_KEY: '' };
  assert.equal(find({ env, trees: [{ abrp: { apiKey: '' } }] }), undefined);
});

const unusable: [string, Parameters<typeof find>[0], RegExp][] = [
  [
    'a file that is not there',
    { file: '/nowhere' },
    /--api-key-file: \/nowhere: cannot be read: no such file or folder \(ENOENT\)/,
  ],
  ['a directory', { file: folder }, /EISDIR/],
  ['an empty file', { file: file('empty', '\n') }, /--api-key-file: .*empty: is empty/],
  ['a variable that names no file', { env: { ABRP_API_KEY_FILE: '/nowhere' } }, /ABRP_API_KEY_FILE: \/nowhere/],
  [
    'a credential that cannot be read',
    { env: { CREDENTIALS_DIRECTORY: file('no-directory', 'x') } },
    /CREDENTIALS_DIRECTORY.*ENOTDIR/,
  ],
  [
    'a number in the configuration',
    { trees: [{ abrp: { apiKey: 12_345_678 } }] },
    /config0: abrp\.apiKey: expected text/,
  ],
];
for (const [what, from, why] of unusable) {
  test(`${what} is an error and not a missing secret`, () => {
    assert.throws(
      () => find(from),
      (error: unknown) =>
        error instanceof CommandError &&
        error.status === 78 &&
        why.test(error.message) &&
        !error.message.includes('12345678'),
    );
  });
}
