import assert from 'node:assert/strict';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CommandError } from '../../src/runtime/exit.ts';
import { HeldLock, takeLock } from '../../src/runtime/lock.ts';
import { runChild, until } from '../support/fixture.ts';

const fresh = (): string => join(mkdtempSync(join(tmpdir(), 'voltpipe-lock-')), 'adapter');
const heldBy =
  (pid: number | undefined) =>
  (error: unknown): boolean =>
    error instanceof HeldLock && error.status === 75 && error.pid === pid && error.message.includes(`process ${pid}`);

/** A lock whose holder was killed. */
async function orphan(): Promise<string> {
  const path = fresh();
  const { child, printed, ended } = runChild('lock-hold', [path]);
  await until(() => printed.stdout === 'held\n', 'taking the lock');
  child.kill('SIGKILL');
  await ended;
  return path;
}

test('a lock has one holder; who comes second is told who that is, with status 75', async () => {
  const path = fresh();
  const release = await takeLock(path);
  await assert.rejects(takeLock(path), heldBy(process.pid));
  await release();
  await (await takeLock(path))();
});

test('a lock leaves nothing behind', async () => {
  const path = fresh();
  await (await takeLock(path))();
  assert.deepEqual(readdirSync(join(path, '..')), []);
});

test('a lock that keeps its folder makes none the next time, and leaves no claim', async () => {
  const path = fresh();
  await (await takeLock(path, { keep: true }))();
  const { ino } = statSync(`${path}.lock`);
  await (await takeLock(path, { keep: true }))();
  assert.equal(statSync(`${path}.lock`).ino, ino);
  assert.deepEqual(readdirSync(`${path}.lock`), []);
});

test('in a copy of its folder a lock is free, and the original stays held', async () => {
  const path = fresh();
  const release = await takeLock(path);
  const copy = fresh();
  cpSync(`${path}.lock`, `${copy}.lock`, { recursive: true });
  await (await takeLock(copy))();
  await assert.rejects(takeLock(path), heldBy(process.pid));
  await release();
});

test('who is willing to wait gets the lock when it is free', async () => {
  const path = fresh();
  const release = await takeLock(path);
  const waiting = takeLock(path, { wait: 10_000 });
  await release();
  await (await waiting)();
});

test('another process holds a lock as well as we do', async () => {
  const path = fresh();
  const { child, printed, ended } = runChild('lock-hold', [path]);
  await until(() => printed.stdout === 'held\n', 'taking the lock');
  await assert.rejects(takeLock(path), heldBy(child.pid));
  child.kill('SIGKILL');
  await ended;
});

test('a holder that was killed is replaced at once', async () => {
  const path = await orphan();
  const begun = performance.now();
  const release = await takeLock(path);
  assert.ok(performance.now() - begun < 1000, 'took longer than a second');
  await release();
});

test('a process id that is used again is not taken for the holder', async () => {
  const path = fresh();
  const { child, printed, ended } = runChild('lock-hold', [path]);
  await until(() => printed.stdout === 'held\n', 'taking the lock');
  child.kill('SIGKILL');
  await ended;
  // The dead holder's claim, as if its number were ours now: we are alive, but did not start when it did.
  const [claim] = readdirSync(`${path}.lock`);
  for (const suffix of ['', '.held']) {
    renameSync(
      join(`${path}.lock`, claim! + suffix),
      join(`${path}.lock`, claim!.replace(/^\d+/, String(process.pid)) + suffix),
    );
  }
  await (await takeLock(path))();
  assert.equal(existsSync(`${path}.lock`), false);
});

test('fifty processes that want the lock of a dead one: one gets it, however long ago that died', async () => {
  for (const age of [0, 60]) {
    const path = await orphan();
    if (age > 0) makeOld(join(path, '..'), age);
    const all = Array.from({ length: 50 }, () => runChild('lock-once', [path], { open: true }));
    for (const { child } of all) child.stdin?.end();
    await until(() => all.every(({ printed }) => printed.stdout !== '' || printed.stderr !== ''), 'an answer from all');
    assert.deepEqual(all.map(({ printed }) => printed.stderr).join(''), '');
    assert.equal(all.filter(({ printed }) => printed.stdout === 'got\n').length, 1, `dead for ${age} s`);
    for (const { child } of all) child.kill('SIGKILL');
    await Promise.all(all.map(({ ended }) => ended));
  }
});

test('eight processes take the lock in turns: never two at once', async () => {
  const path = fresh();
  const all = Array.from({ length: 8 }, () => runChild('lock-race', [path, '25', '60000']));
  const ended = await Promise.all(all.map((one) => one.ended));
  for (const { status, stderr } of ended) assert.deepEqual([status, stderr], [0, '']);
  assert.equal(
    ended.reduce((sum, { stdout }) => sum + Number(stdout), 0),
    200,
  );
});

test('a folder that cannot be written is an error, exit status 74', async () => {
  const file = fresh();
  writeFileSync(file, '');
  await assert.rejects(
    takeLock(join(file, 'below')),
    (error: unknown) => error instanceof CommandError && error.status === 74,
  );
});

test('a holder before the last boot is dead, one in another container is so after ten seconds without a beat', async () => {
  const path = fresh();
  const release = await takeLock(path);
  const mine = readdirSync(`${path}.lock`).find((name) => !name.endsWith('.held'))!;
  await release();
  const [pid, started, boot, space] = mine.split('-');
  const leave = (parts: unknown[]): string => {
    mkdirSync(`${path}.lock`);
    for (const suffix of ['', '.held']) writeFileSync(join(`${path}.lock`, parts.join('-') + suffix), '');
    return join(`${path}.lock`, parts.join('-'));
  };
  leave([pid, started, 'ffffffffffff', space, 1]);
  await (await takeLock(path))();
  const foreign = leave([pid, started, boot, '1', 1]);
  await assert.rejects(takeLock(path), heldBy(process.pid));
  const then = Date.now() / 1000 - 11;
  utimesSync(foreign, then, then);
  await (await takeLock(path))();
});

function makeOld(folder: string, seconds: number): void {
  const then = Date.now() / 1000 - seconds;
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    utimesSync(join(folder, name), then, then);
}
