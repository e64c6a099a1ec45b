import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { commands, groups } from '../src/commands/index.ts';
import { requireService } from './support/services.ts';

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as { bin: Record<string, string>; man: string[] };

test('every generated file is what the definitions make now', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/generate.mjs', '--check'], {
    encoding: 'utf8',
  });
  assert.equal(stdout + stderr, '', 'run `npm run generate`');
  assert.equal(status, 0);
});

for (const path of readdirSync('man', { recursive: true, encoding: 'utf8' }).filter((name) => /\.\d$/.test(name))) {
  test(`mandoc has nothing to say about ${path}`, (t) => {
    const mandoc = requireService(t, 'mandoc');
    if (!mandoc) return;
    const { stdout } = spawnSync(mandoc, ['-T', 'lint', '-W', 'style', join('man', path)], { encoding: 'utf8' });
    assert.equal(stdout, '');
  });
}

test('every command and group has a manual page, and npm links all of them (CARD-03)', () => {
  const pages = [...commands, ...groups].map(({ name }) => `man/man1/${name.replaceAll(' ', '-')}.1`);
  for (const page of [...pages, 'man/man5/voltpipe-records.5', 'man/man5/voltpipe-config.5', 'man/man7/voltpipe.7']) {
    assert.ok(manifest.man.includes(page), page);
    assert.ok(existsSync(page), page);
  }
});

test('every first word of a command is a binary of the package, and nothing else is (CARD-03)', () => {
  const binaries = [...new Set(commands.map(({ name }) => name.split(' ')[0] ?? ''))].sort();
  assert.deepEqual(Object.keys(manifest.bin), binaries);
  for (const [name, path] of Object.entries(manifest.bin)) assert.equal(path, `bin/${name}.js`);
});

test('every definition carries the name under which the list has it', async () => {
  for (const { name, load } of commands) assert.equal((await load()).command.name, name);
});

test('the schema of the configuration is a valid draft 2020-12 schema (BMW-53, BMW-75)', () => {
  const schema = JSON.parse(readFileSync('schema/voltpipe.schema.json', 'utf8')) as object;
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true });
  assert.equal(ajv.validateSchema(schema), true, ajv.errorsText());
  ajv.compile(schema);
});
