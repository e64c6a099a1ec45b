import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { abortWithin } from '../../src/runtime/abort-within.ts';

const listeners = ({ signal }: AbortController): number => getEventListeners(signal, 'abort').length;

test('what is within a run ends with it, for its reason, also when it begins too late', () => {
  const run = new AbortController();
  const inner = abortWithin(run.signal);
  const reason = new Error('stopped');
  run.abort(reason);
  for (const { signal } of [inner, abortWithin(run.signal)]) {
    assert.ok(signal.aborted);
    assert.equal(signal.reason, reason);
  }
  assert.equal(listeners(run), 0);
});

test('what is over leaves nothing at the signal of the run, which goes on', () => {
  const run = new AbortController();
  for (let n = 0; n < 1000; n++) {
    const inner = abortWithin(run.signal);
    assert.equal(listeners(run), 1);
    inner.abort();
    assert.ok(inner.signal.aborted);
    assert.equal(listeners(run), 0);
  }
  assert.ok(!run.signal.aborted);
});
