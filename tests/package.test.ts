import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

interface Manifest {
  engines: { node: string };
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;

test('the toolkit is written in TypeScript, for Node (CARD-01, BMW-01, C-7)', () => {
  const files = readdirSync('src', { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  assert.deepEqual(
    files.map(({ name }) => name).filter((name) => !/\.(ts|html|css)$/.test(name)),
    [],
  );
  assert.match(manifest.engines.node, /^>=20/);
});

test('the top level is as the mission card has it (CARD-03)', () => {
  for (const name of ['bin', 'src', 'completions', 'man', 'tests', 'package.json', 'tsconfig.json', 'README.md']) {
    assert.ok(existsSync(name), name);
  }
});

test('the packages of the mission card that commands use by now are the ones they use (CARD-02)', () => {
  const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(`src/${file}`, 'utf8'))
    .join('\n');
  for (const name of ['commander', 'mqtt', '@abandonware/noble', 'ndjson', 'chalk', 'undici', 'jsonpath-plus']) {
    assert.ok(name in { ...manifest.dependencies, ...manifest.devDependencies }, name);
    assert.match(sources, new RegExp(`(from |import\\(|require\\()'${name}'`), name);
  }
});

test('no package that a user has to install runs a script to build itself', () => {
  assert.match(readFileSync('.npmrc', 'utf8'), /^ignore-scripts=true$/m);
  const native = ['@serialport/bindings-cpp', '@stoprocent/bluetooth-hci-socket'];
  assert.deepEqual(Object.keys(manifest.dependencies).sort(), native);
});
