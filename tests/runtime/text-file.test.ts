import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CommandError, sentence } from '../../src/runtime/exit.ts';
import { readText, readTextIfAny } from '../../src/runtime/text-file.ts';
import { requireOrdinaryUser } from '../support/services.ts';
import { temporaryFolder } from '../support/shell.ts';

const folder = temporaryFolder('texts');

/** The status and the sentence of a failure. */
function failureOf(read: () => unknown): [number, string] {
  try {
    read();
  } catch (error) {
    assert.ok(error instanceof CommandError, String(error));
    return [error.status, sentence(error)];
  }
  return assert.fail('it was read');
}

test('a text is read whole; one that is not there is said, or is none where there need be none', () => {
  const file = join(folder, 'text');
  writeFileSync(file, 'ä\nb\n');
  assert.equal(readText(file, 'io'), 'ä\nb\n');
  assert.equal(readTextIfAny(file, 'io'), 'ä\nb\n');
  const none = join(folder, 'none');
  assert.equal(readTextIfAny(none, 'io'), undefined);
  assert.deepEqual(
    failureOf(() => readText(none, 'config', `--ca ${none}`)),
    [78, `--ca ${none}: cannot be read: no such file or folder (ENOENT)`],
  );
});

test('what is there and is no text file fails with the reason in words', () => {
  mkdirSync(join(folder, 'folder'));
  const path = join(folder, 'folder');
  for (const read of [readText, readTextIfAny]) {
    assert.deepEqual(
      failureOf(() => read(path, 'io')),
      [74, `${path}: cannot be read: it is a folder (EISDIR)`],
    );
  }
});

test('a file without the right to read it names the next step', (t) => {
  if (!requireOrdinaryUser(t)) return;
  const file = join(folder, 'closed');
  writeFileSync(file, 'x');
  chmodSync(file, 0);
  assert.deepEqual(
    failureOf(() => readTextIfAny(file, 'io')),
    [74, `${file}: cannot be read: permission denied (EACCES). Check its owner and mode.`],
  );
});
