import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOptionalPages, neverAnswered, onceAnswered } from '../../../src/clients/bms/optional-pages.ts';

const { rounds: silentRounds, pause } = neverAnswered;

test('a page is given up after three silent rounds, and asked for once an hour from then on', () => {
  const pages = createOptionalPages();
  const givenUp: unknown[] = [];
  for (let round = 0; round < silentRounds; round++) {
    assert.ok(pages.isDue('balancing', round));
    givenUp.push(pages.silent('balancing', round));
  }
  assert.deepEqual(
    givenUp,
    [undefined, undefined, 'no answer, time after time: from now on it is asked for once in 60 minutes only'],
    'said once',
  );
  const last = silentRounds - 1;
  assert.ok(!pages.isDue('balancing', last + pause - 1));
  assert.ok(pages.isDue('faults', last), 'another page is another matter');
  assert.ok(pages.isDue('balancing', last + pause));
  assert.ok(!pages.silent('balancing', last + pause), 'not said again');
  assert.ok(!pages.isDue('balancing', last + pause + 1));
});

test('an answer in between begins the count anew; one after a page was given up brings it back for good', () => {
  const pages = createOptionalPages();
  for (let round = 0; round < silentRounds - 1; round++) pages.silent('faults', round);
  assert.ok(!pages.answered('faults', false));
  for (let round = 0; round < silentRounds - 1; round++) assert.ok(!pages.silent('faults', 10 + round));
  assert.ok(pages.isDue('faults', 20));
  assert.ok(pages.silent('faults', 20));
  assert.ok(pages.answered('faults', false), 'it was given up');
  assert.ok(pages.isDue('faults', 21));
});

/** How many rounds, `every` ms apart, until a page that was answered once is given up. */
function roundsUntilGivenUp(every: number, isUsed: boolean): number {
  const pages = createOptionalPages();
  pages.answered('faults', isUsed);
  for (let round = 1; ; round++) if (pages.silent('faults', round * every)) return round;
}

test('a page that was answered once is given up after 30 silent rounds and ten minutes, whichever is later', () => {
  assert.equal(roundsUntilGivenUp(1000, true), 601);
  assert.equal(roundsUntilGivenUp(60_000, true), onceAnswered.rounds);
  assert.equal(roundsUntilGivenUp(1000, false), silentRounds, 'a refusal or a damaged answer is no page');
});

test('such a page is asked for again after five minutes', () => {
  const pages = createOptionalPages();
  pages.answered('faults', true);
  let now = 0;
  while (!pages.silent('faults', now)) now += 1000;
  assert.ok(!pages.isDue('faults', now + 299_999));
  assert.ok(pages.isDue('faults', now + 300_000));
});

test('after an outage a page that was given up is asked for again, and what was answered is still known', () => {
  const pages = createOptionalPages();
  for (let round = 0; round < silentRounds; round++) pages.silent('balancing', round);
  pages.answered('faults', true);
  pages.anew();
  assert.ok(pages.isDue('balancing', silentRounds));
  for (let round = 0; round < silentRounds; round++) pages.silent('faults', round);
  assert.ok(pages.isDue('faults', silentRounds));
});
