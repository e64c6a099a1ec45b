import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { cleanEnvironment, root, shell, temporaryFolder } from './support/shell.ts';

const line = '{"type":"other","time":"2026-03-01T12:00:00.000Z"}\n';

/** Runs a script in a Node without this test's flags, with the loader of the bundles in `loader`. */
function inNode(script: string, dist = join(root, 'dist')): string {
  const text = `const loader = require(${JSON.stringify(join(dist, 'load.cjs'))}); ${script}`;
  return execFileSync(process.execPath, ['-e', text], { encoding: 'utf8', env: cleanEnvironment(root) });
}

const folder = inNode('process.stdout.write(loader.folder)');

/** A copy of the built normalize, to be damaged. */
function copyOfNormalize(): { home: string; cache: string } {
  const home = temporaryFolder('cache');
  const cache = join('dist', folder, 'normalize.cache');
  for (const file of ['bin/normalize.js', 'bin/package.json', 'dist/load.cjs', 'dist/normalize.cjs', cache]) {
    mkdirSync(dirname(join(home, file)), { recursive: true });
    cpSync(join(root, file), join(home, file));
  }
  return { home, cache: join(home, cache) };
}

const run = (home: string) => shell(`node ${join(home, 'bin/normalize.js')}`, { stdin: line });

test('Node takes the code cache of every command and of every vendored package', () => {
  const { bin } = JSON.parse(readFileSync('package.json', 'utf8')) as { bin: Record<string, string> };
  const packages = readdirSync('dist/vendor').filter((file) => file.endsWith('.cjs'));
  const names = [...Object.keys(bin), ...packages.map((file) => `vendor/${file.slice(0, -'.cjs'.length)}`)];
  const refused = inNode(
    `for (const name of ${JSON.stringify(names)}) {
      const cache = loader.cacheOf(name);
      if (!cache || loader.scriptOf(name, cache).cachedDataRejected !== false) console.log(name);
    }`,
  );
  assert.equal(refused, '');
});

const damages: Readonly<Record<string, (cache: string) => void>> = {
  'is not there, as for a Node of another version': (cache) => rmSync(join(cache, '../..'), { recursive: true }),
  'was made by another version of V8': (cache) => {
    const bytes = readFileSync(cache);
    // After four bytes that say "a cache" come four that are made of the version.
    bytes.writeUInt32LE(bytes.readUInt32LE(4) ^ 0xffff, 4);
    writeFileSync(cache, bytes);
  },
  'is cut': (cache) => truncateSync(cache, 1000),
  'is empty': (cache) => truncateSync(cache, 0),
};

for (const [what, damage] of Object.entries(damages)) {
  test(`a command does its work when its code cache ${what}`, async () => {
    const { home, cache } = copyOfNormalize();
    damage(cache);
    assert.deepEqual(await run(home), { status: 0, signal: null, stdout: line, stderr: '' });
  });
}

test('voltpipe CMD is CMD: it loads that command alone', async () => {
  const { home } = copyOfNormalize();
  cpSync(join(root, 'bin/voltpipe.js'), join(home, 'bin/voltpipe.js'));
  const { status, stdout } = await shell(`node ${join(home, 'bin/voltpipe.js')} normalize`, { stdin: line });
  assert.deepEqual([status, stdout], [0, line]);
});

test('a command writes nothing beside its bundle', async () => {
  const { home } = copyOfNormalize();
  const look = () =>
    readdirSync(home, { recursive: true, encoding: 'utf8' }).map((file) => [file, statSync(join(home, file)).mtimeMs]);
  const before = look();
  assert.equal((await run(home)).status, 0);
  assert.deepEqual(look(), before);
});

test('lines of a bundle that comes by way of its cache have their own numbers', () => {
  const home = temporaryFolder('lines');
  cpSync(join(root, 'dist/load.cjs'), join(home, 'load.cjs'));
  writeFileSync(join(home, 'faulty.cjs'), "'use strict';\n\nmodule.exports = new Error('here').stack;\n");
  const script = `const module = {}; loader.scriptOf('faulty').runInThisContext()({}, require, module, '', ''); console.log(module.exports);`;
  assert.match(inNode(script, home), /faulty\.cjs:3:18/);
});

test('bundles are ASCII, as their loader reads them', () => {
  for (const file of readdirSync('dist', { recursive: true, encoding: 'utf8' })) {
    // ble-child is a process of its own, started without the loader.
    if (!file.endsWith('.cjs') || file === 'ble-child.cjs') continue;
    assert.ok(
      readFileSync(join('dist', file)).every((byte) => byte < 0x80),
      file,
    );
  }
});
