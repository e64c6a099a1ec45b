import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parse } from 'yaml';
import { CommandError } from '../../src/runtime/exit.ts';
import { writeConfig } from '../../src/simulators/write-config.ts';

const folder = mkdtempSync(join(tmpdir(), 'voltpipe-config-'));
after(() => rmSync(folder, { recursive: true }));

test('several simulators that write at once share one file, and only its owner can read it', async () => {
  const path = join(folder, 'shared.yaml');
  await Promise.all([
    writeConfig(path, { bmw: { authUrl: 'http://a', ca: '/ca.pem' } }),
    writeConfig(path, { abrp: { url: 'http://b' } }),
    writeConfig(path, { tesla: { url: 'http://c' } }),
  ]);
  assert.deepEqual(parse(readFileSync(path, 'utf8')), {
    bmw: { authUrl: 'http://a', ca: '/ca.pem' },
    abrp: { url: 'http://b' },
    tesla: { url: 'http://c' },
  });
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(folder), ['shared.yaml']);
});

test('keys and comments of the user stay, given keys are replaced', async () => {
  const path = join(folder, 'own.yaml');
  writeFileSync(path, '# mine\nabrp:\n  url: https://old # the old one\n  minInterval: 30\nlogging:\n  level: debug\n');
  await writeConfig(path, { abrp: { url: 'http://new' } });
  const text = readFileSync(path, 'utf8');
  assert.match(text, /^# mine/);
  assert.deepEqual(parse(text), { abrp: { url: 'http://new', minInterval: 30 }, logging: { level: 'debug' } });
});

test('a section that is no set of keys is replaced, an empty file is filled', async () => {
  for (const old of ['', 'abrp:\n', 'abrp: text\n', '# nothing yet\n']) {
    const path = join(folder, 'odd.yaml');
    writeFileSync(path, old);
    await writeConfig(path, { abrp: { url: 'u' } });
    assert.deepEqual(parse(readFileSync(path, 'utf8')), { abrp: { url: 'u' } });
  }
});

test('a file named .json is JSON', async () => {
  const path = join(folder, 'c.json');
  await writeConfig(path, { abrp: { url: 'u' } });
  await writeConfig(path, { abrp: { apiKey: 'k' }, bmw: { vin: 'v' } });
  assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')), { abrp: { url: 'u', apiKey: 'k' }, bmw: { vin: 'v' } });
});

test('a file that is no configuration is refused and left as it is', async () => {
  for (const [name, text] of [
    ['list.yaml', '- a\n'],
    ['broken.yaml', 'a: [\n'],
    ['broken.json', '{'],
    ['list.json', '[]'],
  ] as const) {
    const path = join(folder, name);
    writeFileSync(path, text);
    await assert.rejects(writeConfig(path, { abrp: { url: 'u' } }), (error) => {
      assert.ok(error instanceof CommandError);
      assert.equal(error.status, 78);
      assert.ok(error.message.includes(path));
      return true;
    });
    assert.equal(readFileSync(path, 'utf8'), text);
  }
});
