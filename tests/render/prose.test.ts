import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blocks, wrap, wrapCommand } from '../../src/render/prose.ts';

test('text falls into paragraphs, items and literal lines', () => {
  const text = `
One
paragraph.

- first item
  goes on
- second item

  literal one

    literal two
Another.`;
  assert.deepEqual(blocks(text), [
    { kind: 'paragraph', text: 'One paragraph.' },
    { kind: 'item', text: 'first item goes on' },
    { kind: 'item', text: 'second item' },
    { kind: 'literal', lines: ['literal one', '', '  literal two'] },
    { kind: 'paragraph', text: 'Another.' },
  ]);
});

test('numbered items keep their numbers, and indented lines after an item are part of it', () => {
  assert.deepEqual(blocks('Do:\n  1. this\n  2. that,\n  then rest'), [
    { kind: 'paragraph', text: 'Do:' },
    { kind: 'item', number: '1.', text: 'this' },
    { kind: 'item', number: '2.', text: 'that, then rest' },
  ]);
});

test('wrapping breaks at spaces and leaves a long word alone', () => {
  assert.deepEqual(wrap('a bb ccc dddddddddd e', 6), ['a bb', 'ccc', 'dddddddddd', 'e']);
  assert.deepEqual(wrap('', 6), []);
});

test('a command is broken after a pipe without a backslash and elsewhere with one', () => {
  assert.deepEqual(wrapCommand('first --one 1 | second --two 2 --three 3', 22), [
    'first --one 1 |',
    '    second --two 2 \\',
    '    --three 3',
  ]);
});

test('a command is not broken between a flag and its value', () => {
  assert.deepEqual(wrapCommand('simulate --fault one --fault two', 24), ['simulate --fault one \\', '    --fault two']);
});

test('a command is never broken inside quotes', () => {
  const lines = wrapCommand(`voltpipe run 'bmw-stream | normalize | abrp-push' "a b" c\\ d`, 20);
  assert.ok(lines.includes(`    'bmw-stream | normalize | abrp-push' \\`), lines.join('\n'));
  assert.ok(lines.some((line) => line.includes('"a b"')));
  assert.ok(lines.some((line) => line.includes('c\\ d')));
});

test('a command that fits stays as it is', () => {
  assert.deepEqual(wrapCommand('a  b', 80), ['a b']);
  assert.deepEqual(wrapCommand('one\ntwo', 80), ['one', 'two']);
});

test('a command is broken behind a pipe rather than in the middle of what comes after it', () => {
  assert.deepEqual(wrapCommand('read --all | filter one two | write it', 28), [
    'read --all |',
    '    filter one two |',
    '    write it',
  ]);
});

test('a process substitution stays in one piece', () => {
  assert.deepEqual(wrapCommand('read | tee -p >(one --a 1 | two) >(three) | four', 34), [
    'read |',
    '    tee -p >(one --a 1 | two) \\',
    '    >(three) | four',
  ]);
});
