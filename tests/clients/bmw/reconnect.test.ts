import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  betweenConnects,
  decide,
  noStreak,
  type Streak,
  type StreamFailure,
} from '../../../src/clients/bmw/reconnect.ts';

const steady = (): number => 0;

/** Decisions after the same failure again and again, each taken when the wait is over. */
function repeated(failure: StreamFailure, times: number, session = 0) {
  const waits: number[] = [];
  const refreshes: number[] = [];
  let streak: Streak = noStreak;
  let now = 0;
  let hint: string | undefined;
  for (let i = 1; i <= times; i++) {
    const decision = decide(streak, failure, session, now, steady);
    streak = decision.streak;
    waits.push(decision.wait / 1000);
    if (decision.refresh) refreshes.push(i);
    hint = decision.hint ?? hint;
    now += decision.wait + session;
  }
  return { waits, refreshes, hint };
}

test('waits double from five seconds to five minutes, then ten, and are never below the ten that BMW demands (BMW-26)', () => {
  const { waits } = repeated({ kind: 'network' }, 12);
  assert.deepEqual(waits, [10, 10, 20, 40, 80, 160, 300, 300, 300, 600, 600, 600]);
});

test('no wait, whatever the random number, is shorter than BMW allows', () => {
  for (const random of [0, 0.5, 0.999]) {
    for (const kind of ['network', 'closed', 'refused', 'timeout', 'offline'] as const) {
      assert.ok(decide(noStreak, { kind }, 0, 0, () => random).wait >= betweenConnects, kind);
    }
  }
});

test('a name that cannot be resolved is being offline: every 15 s, and not counted', () => {
  assert.deepEqual(repeated({ kind: 'offline' }, 12).waits, Array(12).fill(15));
});

test('the first "not authorised" is retried plainly, the second forces a renewal, three an hour at most', () => {
  const { refreshes, hint } = repeated({ kind: 'refused', code: 5 }, 9);
  assert.deepEqual(refreshes, [2, 4, 6]);
  assert.match(hint ?? '', /another client may hold the stream/);
});

test('"bad user name or password" forces a renewal at once', () => {
  assert.equal(repeated({ kind: 'refused', code: 4 }, 1).refreshes[0], 1);
  assert.equal(repeated({ kind: 'refused', code: 134 }, 1).refreshes[0], 1);
});

test('renewals are forced again when the hour is over', () => {
  const spent = { failures: 20, refusals: 1, short: 0, forced: [0, 1, 2] };
  const failure: StreamFailure = { kind: 'refused', code: 5 };
  assert.equal(decide(spent, failure, 0, 3_599_000, steady).refresh, false);
  assert.equal(decide(spent, failure, 0, 3_700_000, steady).refresh, true);
});

test('a session of a minute starts the count anew', () => {
  const tired: Streak = { failures: 9, refusals: 1, short: 2, forced: [] };
  assert.equal(decide(tired, { kind: 'closed' }, 60_000, 0, steady).wait, 10_000);
  assert.equal(decide(tired, { kind: 'closed' }, 59_000, 0, steady).wait, 600_000);
});

test('a refused subscription names the mistake: the bare VIN', () => {
  const { wait, hint } = decide(noStreak, { kind: 'subscription', code: 135 }, 0, 0, steady);
  assert.equal(wait, 60_000);
  assert.match(hint ?? '', /\{gcid\}\/\{VIN\}, not the bare VIN/);
});

test('sessions cut short three times in a row, or a session taken over, point at a second client (BMW-03)', () => {
  assert.equal(repeated({ kind: 'closed' }, 2, 5000).hint, undefined);
  assert.match(repeated({ kind: 'closed' }, 3, 5000).hint ?? '', /one connection per account/);
  assert.match(repeated({ kind: 'disconnected', code: 142 }, 1, 5000).hint ?? '', /one connection per account/);
});

test('reason codes with a wait of their own get it', () => {
  assert.equal(decide(noStreak, { kind: 'refused', code: 133 }, 0, 0, steady).wait, 20_000);
  assert.equal(decide(noStreak, { kind: 'refused', code: 151 }, 0, 0, steady).wait, 60_000);
});
