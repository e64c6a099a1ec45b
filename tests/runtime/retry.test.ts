import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createBackoff } from '../../src/runtime/retry.ts';

test('waits double to the cap and begin anew after a success', () => {
  const backoff = createBackoff({ first: 1000, cap: 10_000, jitter: 0 });
  assert.deepEqual(
    Array.from({ length: 6 }, () => backoff.next()),
    [1000, 2000, 4000, 8000, 10_000, 10_000],
  );
  assert.equal(backoff.attempts, 6);
  backoff.reset();
  assert.equal(backoff.attempts, 0);
  assert.equal(backoff.next(), 1000);
});

test('jitter only shortens a wait, by its share at most, however long it goes on', () => {
  fc.assert(
    fc.property(fc.nat(5000), fc.double({ min: 0, max: 0.999, noNaN: true }), (rounds, random) => {
      const backoff = createBackoff({ first: 100, cap: 60_000, jitter: 0.2, random: () => random });
      let wait = 0;
      for (let i = 0; i <= rounds; i++) wait = backoff.next();
      const plain = Math.min(60_000, 100 * 2 ** rounds);
      assert.ok(wait >= plain * 0.8 - 1 && wait <= plain, `${wait} of ${plain}`);
    }),
    { numRuns: 50 },
  );
});
