import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askedAgainAfter, createOptionalPages, silentRounds } from '../../../src/clients/bms/optional-pages.ts';

test('a page is given up after three silent rounds, and asked for once an hour from then on', () => {
  const pages = createOptionalPages();
  const givenUp: boolean[] = [];
  for (let round = 0; round < silentRounds; round++) {
    assert.ok(pages.isDue('balancing', round));
    givenUp.push(pages.silent('balancing', round));
  }
  assert.deepEqual(givenUp, [false, false, true], 'said once');
  const last = silentRounds - 1;
  assert.ok(!pages.isDue('balancing', last + askedAgainAfter - 1));
  assert.ok(pages.isDue('faults', last), 'another page is another matter');
  assert.ok(pages.isDue('balancing', last + askedAgainAfter));
  assert.ok(!pages.silent('balancing', last + askedAgainAfter), 'not said again');
  assert.ok(!pages.isDue('balancing', last + askedAgainAfter + 1));
});

test('an answer in between begins the count anew; one after a page was given up brings it back for good', () => {
  const pages = createOptionalPages();
  for (let round = 0; round < silentRounds - 1; round++) pages.silent('faults', round);
  assert.ok(!pages.answered('faults'));
  for (let round = 0; round < silentRounds - 1; round++) assert.ok(!pages.silent('faults', 10 + round));
  assert.ok(pages.isDue('faults', 20));
  assert.ok(pages.silent('faults', 20));
  assert.ok(pages.answered('faults'), 'it was given up');
  assert.ok(pages.isDue('faults', 21));
});
