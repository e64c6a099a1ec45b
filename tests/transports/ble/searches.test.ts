import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Sighting } from '../../../src/transports/ble/messages.ts';
import { createSearches } from '../../../src/transports/ble/searches.ts';
import { fakeClock } from '../../support/clock.ts';

const sighting = (id: string): Sighting => ({ id, services: [], manufacturerData: [], connectable: true, at: 0 });
const never = new AbortController().signal;

test('every search sees everything, until it ends itself', () => {
  const searches = createSearches(fakeClock());
  const seen: string[] = [];
  const end = searches.begin(({ id }) => seen.push(`first ${id}`));
  searches.begin(({ id }) => seen.push(`second ${id}`));
  searches.seen(sighting('a'));
  end();
  end();
  searches.seen(sighting('b'));
  assert.deepEqual(seen, ['first a', 'second a', 'second b']);
  assert.equal(searches.any, true);
});

test('every search is told that the adapter is lost; where nobody wants to know, it is said', () => {
  const searches = createSearches(fakeClock());
  assert.equal(searches.lost(new Error('gone')), false);
  const told: string[] = [];
  for (const name of ['a', 'b'])
    searches.begin(
      () => {},
      ({ message }) => told.push(`${name} ${message}`),
    );
  assert.equal(searches.lost(new Error('gone')), true);
  assert.deepEqual(told, ['a gone', 'b gone']);
});

test('the time of a search is the time in which it could see something', async () => {
  const clock = fakeClock();
  const searches = createSearches(clock);
  let over = false;
  const listened = searches.listened(1000, never).then(() => {
    over = true;
  });
  await clock.advance(5000);
  searches.listening(true);
  await clock.advance(600);
  searches.listening(false);
  await clock.advance(5000);
  searches.listening(true);
  await clock.advance(399);
  assert.equal(over, false);
  await clock.advance(1);
  await listened;
});

test('who stops a search waits no longer', async () => {
  const searches = createSearches(fakeClock());
  const stop = new AbortController();
  const listened = searches.listened(1000, stop.signal);
  stop.abort(new Error('stopped'));
  await assert.rejects(listened, /stopped/);
  await assert.rejects(searches.listened(1000, stop.signal), /stopped/);
});
