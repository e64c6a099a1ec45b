import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';

const documents = [
  ...readdirSync('.').filter((file) => file.endsWith('.md')),
  ...readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => join('docs', file)),
];

/** Bodies of the fenced blocks of a language. */
const fenced = (text: string, language: string): string[] =>
  [...text.matchAll(new RegExp(`^ *\`\`\`${language}\\n(.*?)^ *\`\`\``, 'gms'))].map(([, body = '']) => body);

for (const document of documents) {
  test(`every file that ${document} points to is there`, () => {
    for (const [, target = ''] of readFileSync(document, 'utf8').matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)) {
      if (/^https?:/.test(target)) continue;
      assert.ok(existsSync(join(dirname(document), target)), target);
    }
  });
}

test('every test that the sources, manuals, documents and examples name is there', () => {
  const files = ['src', 'docs', 'examples'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name)),
  );
  const missing = [...files, ...documents].flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/\btests\/[\w/.-]+\.test\.ts/g)]
      .filter(([named]) => !existsSync(named))
      .map(([named]) => `${file}: ${named}`),
  );
  assert.deepEqual(missing, []);
});

test('the diagrams of login, token renewal and the way of a value name only participants that they declare (BMW-76)', () => {
  const diagrams = fenced(readFileSync('docs/bmw-to-abrp.md', 'utf8'), 'mermaid');
  assert.equal(diagrams.length, 3);
  for (const diagram of diagrams) {
    assert.match(diagram, /^sequenceDiagram\n/);
    assert.doesNotMatch(diagram, /;/, 'a semicolon ends a statement');
    const declared = [...diagram.matchAll(/^ +(?:actor|participant) (\w+)/gm)].map(([, name]) => name);
    for (const [, from, to] of diagram.matchAll(/^ +(\w+)-{1,2}[>)]{1,2}(\w+):/gm)) {
      assert.ok(declared.includes(from) && declared.includes(to), `${from} → ${to}`);
    }
    const opened = diagram.match(/^ +(loop|alt|opt) /gm)?.length ?? 0;
    assert.equal(diagram.match(/^ +end$/gm)?.length ?? 0, opened);
  }
});

test('every requirement that the README makes to Node is the one of package.json', () => {
  const { engines } = JSON.parse(readFileSync('package.json', 'utf8')) as { engines: { node: string } };
  assert.ok(readFileSync('README.md', 'utf8').includes(`Node ${engines.node.replace('>=', '')} or later`));
});

test('the configuration in the README is valid', () => {
  const schema = JSON.parse(readFileSync('schema/voltpipe.schema.json', 'utf8')) as object;
  const validate = new Ajv2020({ allErrors: true, allowUnionTypes: true }).compile(schema);
  const blocks = fenced(readFileSync('README.md', 'utf8'), 'yaml');
  assert.ok(blocks.length > 0);
  for (const block of blocks) {
    validate(parse(block));
    assert.deepEqual(validate.errors ?? [], []);
  }
});
