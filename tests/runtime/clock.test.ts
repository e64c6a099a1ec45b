import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock, timestamp } from '../../src/runtime/clock.ts';
import { fakeClock } from '../support/clock.ts';

test('a sleep ends at its time, or at once with the reason of the signal', async () => {
  const clock = fakeClock();
  let over = false;
  void clock.sleep(1000).then(() => {
    over = true;
  });
  await clock.advance(999);
  assert.equal(over, false);
  await clock.advance(1);
  assert.equal(over, true);
  const stop = new AbortController();
  const sleeping = clock.sleep(1000, stop.signal);
  stop.abort(new Error('stopped'));
  await assert.rejects(sleeping, /stopped/);
  assert.equal(clock.waiting, 0);
  await assert.rejects(clock.sleep(1000, stop.signal), /stopped/);
});

test('a wait that is longer than Node allows does not end at once, and can be cancelled', async () => {
  let over = false;
  const cancel = systemClock.after(2 ** 31 + 1000, () => {
    over = true;
  });
  await systemClock.sleep(20);
  assert.equal(over, false);
  cancel();
});

test('a timer in the past goes off soon', async () => {
  await new Promise<void>((resolve) => systemClock.after(-5, resolve));
});

test('times are RFC 3339 in UTC with milliseconds', () => {
  assert.equal(timestamp(0), '1970-01-01T00:00:00.000Z');
});
