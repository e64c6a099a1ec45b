import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CommandError } from '../../src/runtime/exit.ts';
import { createState } from '../../src/runtime/state-file.ts';
import { runChild } from '../support/fixture.ts';
import { requireOrdinaryUser, requireSmallDisk } from '../support/services.ts';

const folder = (): string => mkdtempSync(join(tmpdir(), 'voltpipe-state-'));

function stateAt(path: string) {
  const broken: string[] = [];
  return {
    state: createState<{ n: number }>(
      path,
      (why) => broken.push(why),
      () => {},
    ),
    broken,
  };
}

test('there is no document before the first update; then it is there, for its owner alone', async () => {
  const path = join(folder(), 'deep/er/counter.json');
  const { state } = stateAt(path);
  assert.equal(await state.read(), undefined);
  assert.deepEqual(await state.update((value) => ({ n: (value?.n ?? 0) + 1 })), { n: 1 });
  assert.deepEqual(await state.read(), { n: 1 });
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(join(path, '..')), ['counter.json'], 'nothing else is left behind');
});

test('updates of one process do not overtake each other', async () => {
  const { state } = stateAt(join(folder(), 'counter.json'));
  await Promise.all(Array.from({ length: 20 }, () => state.update(async (value) => ({ n: (value?.n ?? 0) + 1 }))));
  assert.deepEqual(await state.read(), { n: 20 });
});

test('updates of several processes lose nothing', async () => {
  const path = join(folder(), 'counter.json');
  const ended = await Promise.all(Array.from({ length: 5 }, () => runChild('state-increment', [path, '20']).ended));
  for (const { status, stderr } of ended) assert.deepEqual([status, stderr], [0, '']);
  assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')), { n: 100 });
});

test('an update that throws leaves the document and the lock as they were', async () => {
  const { state } = stateAt(join(folder(), 'counter.json'));
  await state.update(() => ({ n: 1 }));
  await assert.rejects(
    state.update(() => {
      throw new Error('no');
    }),
    /no/,
  );
  assert.deepEqual(await state.update((value) => ({ n: value!.n + 1 })), { n: 2 });
});

test('a file that holds no JSON is moved aside and said, and the next update starts afresh', async () => {
  const path = join(folder(), 'counter.json');
  writeFileSync(path, '{"n":1');
  const { state, broken } = stateAt(path);
  assert.equal(await state.read(), undefined);
  assert.match(broken.join(), /counter\.json: not JSON, moved to .*counter\.json\.broken/);
  assert.equal(readFileSync(`${path}.broken`, 'utf8'), '{"n":1');
  assert.equal(existsSync(path), false);
  await state.update(() => ({ n: 5 }));
  assert.deepEqual(await state.read(), { n: 5 });
});

test('a file that cannot be read is an error, exit status 74, and no empty document', async (t) => {
  if (!requireOrdinaryUser(t)) return;
  const path = join(folder(), 'counter.json');
  writeFileSync(path, '{"n":1}');
  chmodSync(path, 0o000);
  const { state } = stateAt(path);
  await assert.rejects(state.read(), (error: unknown) => error instanceof CommandError && error.status === 74);
  chmodSync(path, 0o600);
});

test('a directory in the place of the document is an error, exit status 74', async () => {
  const { state } = stateAt(folder());
  await assert.rejects(
    state.read(),
    (error: unknown) =>
      error instanceof CommandError &&
      error.status === 74 &&
      /cannot be read: it is a folder \(EISDIR\)/.test(error.message),
  );
});

test('a disk that is full leaves the old document, exit status 74', async () => {
  const path = join(folder(), 'counter.json');
  writeFileSync(path, '{"n":1}\n');
  // The limit on a file's size stands in for the full disk: one block.
  const { status, stderr } = await runChild('state-grow', [path], { fileBlocks: 1 }).ended;
  assert.equal(status, 74);
  assert.match(stderr, /counter\.json: cannot be written: the file may not grow any further \(EFBIG\)/);
  assert.equal(readFileSync(path, 'utf8'), '{"n":1}\n');
  assert.deepEqual(readdirSync(join(path, '..')), ['counter.json'], 'no half-written file is left behind');
});

test('a document behind a link is written through it, and root leaves a file to its owner', async (t) => {
  const home = folder();
  const [real, link] = [join(home, 'real.json'), join(home, 'link.json')];
  writeFileSync(real, '{"n":1}');
  symlinkSync(real, link);
  if (process.getuid?.() === 0) chownSync(real, 1000, 1000);
  else t.diagnostic('owners can be tested by root alone');
  await stateAt(link).state.update((value) => ({ n: value!.n + 1 }));
  assert.equal(JSON.parse(readFileSync(real, 'utf8')).n, 2);
  assert.ok(lstatSync(link).isSymbolicLink());
  if (process.getuid?.() === 0) assert.equal(statSync(real).uid, 1000);
});

test('a disk that is really full leaves the old document', async (t) => {
  const disk = requireSmallDisk(t);
  if (!disk) return;
  const path = join(mkdtempSync(join(disk, 'state-')), 'counter.json');
  writeFileSync(path, '{"n":1}\n');
  const { status, stderr } = await runChild('state-grow', [path]).ended;
  assert.equal(status, 74);
  assert.match(stderr, /ENOSPC/);
  assert.equal(readFileSync(path, 'utf8'), '{"n":1}\n');
});
