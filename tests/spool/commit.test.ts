import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCommit } from '../../src/spool/commit.ts';
import { fakeClock } from '../support/clock.ts';

/** A commit whose sync ends when the test says so. */
function heldCommit() {
  const held = { accepted: [] as number[], end: (_error?: Error): void => {} };
  const sync = (): Promise<void> =>
    new Promise((resolve, reject) => {
      held.end = (error) => (error ? reject(error) : resolve());
    });
  const commit = createCommit(
    { sync },
    fakeClock(),
    'always',
    () => 3,
    (records) => void held.accepted.push(records),
    () => {},
  );
  return { commit, held };
}

test('records that need no writing and come while a sync runs are accepted after it, without another one', async () => {
  const { commit, held } = heldCommit();
  commit.wrote(5);
  const synced = commit.now();
  commit.passed(2);
  assert.deepEqual(held.accepted, []);
  held.end();
  await synced;
  await commit.due();
  assert.deepEqual(held.accepted, [5, 2]);
  assert.equal(commit.syncs, 1);
});

test('after a sync that went wrong nothing is accepted any more', async () => {
  const { commit, held } = heldCommit();
  commit.wrote(5);
  const synced = commit.now();
  commit.passed(2);
  held.end(Object.assign(new Error(), { code: 'EIO' }));
  await assert.rejects(synced, { status: 74 });
  commit.passed(1);
  await commit.now();
  assert.deepEqual(held.accepted, []);
});
