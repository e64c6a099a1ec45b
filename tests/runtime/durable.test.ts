import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeDurably } from '../../src/runtime/durable.ts';
import { CommandError } from '../../src/runtime/exit.ts';
import { makeFolder } from '../../src/runtime/folder.ts';
import { inWords } from '../../src/runtime/system-error.ts';
import { temporaryFolder } from '../support/shell.ts';

const refusal = (why: RegExp) => (error: unknown) =>
  error instanceof CommandError && error.status === 74 && why.test(error.message);

test('what is no file is never replaced by one, be it a folder or a device', async () => {
  const folder = temporaryFolder('durable');
  mkdirSync(join(folder, 'sub'));
  await assert.rejects(writeDurably(join(folder, 'sub'), 'x'), refusal(/sub: cannot be written: it is a folder$/));
  // By way of a pipe, since a test that fails shall not cost the machine its /dev/null.
  assert.equal(spawnSync('mkfifo', [join(folder, 'pipe')]).status, 0);
  symlinkSync('pipe', join(folder, 'link'));
  await assert.rejects(writeDurably(join(folder, 'link'), 'x'), refusal(/link: cannot be written: it is no file$/));
  assert.ok(statSync(join(folder, 'pipe')).isFIFO());
});

test('a folder is made with those above it, for its owner alone; one that is there is left as it is', () => {
  const folder = temporaryFolder('durable');
  makeFolder(join(folder, 'a/b/c'));
  assert.equal(statSync(join(folder, 'a')).mode & 0o777, 0o700);
  mkdirSync(join(folder, 'open'), { mode: 0o755 });
  makeFolder(join(folder, 'open'));
  assert.equal(statSync(join(folder, 'open')).mode & 0o777, 0o755);
  writeFileSync(join(folder, 'file'), '');
  assert.throws(() => makeFolder(join(folder, 'file')), /EEXIST/);
  assert.throws(() => makeFolder(join(folder, 'file/x')), /ENOTDIR/);
});

test('a folder that the system will not have is an error, not a loop without end', {
  skip: !existsSync('/proc/self'),
}, () => {
  assert.throws(() => makeFolder('/proc/voltpipe/x'), /ENOENT/);
});

test('an error of the system is told in words, with its code', () => {
  assert.equal(inWords(Object.assign(new Error('x'), { code: 'EACCES' })), 'permission denied (EACCES)');
  assert.equal(inWords(Object.assign(new Error('x'), { code: 'EXDEV' })), 'EXDEV');
  const own = { EACCES: 'the folder is closed' };
  assert.equal(inWords(Object.assign(new Error('x'), { code: 'EACCES' }), own), 'the folder is closed (EACCES)');
  assert.equal(inWords(new Error('it is no file')), 'it is no file');
});
