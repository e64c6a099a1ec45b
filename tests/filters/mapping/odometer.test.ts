import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type OdometerMemory, readOdometer } from '../../../src/filters/mapping/odometer.ts';

const hour = 3_600_000;
const mile = 1.609344;

function reader(): (raw: number, factor: number | undefined, hours: number) => number | undefined {
  const memory: OdometerMemory = {};
  return (raw, factor, hours) => readOdometer(memory, raw, factor, 1, hours * hour);
}

test('a reading without unit is taken in the unit in which it continues the last one', () => {
  const read = reader();
  assert.equal(read(20_000, mile, 0), 32186.88);
  assert.equal(read(20_010, undefined, 1), 32202.97344);
  assert.equal(read(32_220, undefined, 2), 32_220);
  assert.equal(read(20_030, undefined, 3), 32235.16032);
});

test('a first reading that nobody gives a unit is kilometres', () => {
  assert.equal(reader()(31_740, undefined, 0), 31_740);
});

test('an implausible reading waits for a second one that agrees', () => {
  const read = reader();
  read(31_740, 1, 0);
  assert.equal(read(99_000, 1, 1), undefined);
  assert.equal(read(31_750, 1, 2), 31_750);
  assert.equal(read(99_000, 1, 3), undefined);
  assert.equal(read(99_010, 1, 4), 99_010);
  assert.equal(read(99_020, undefined, 5), 99_020);
});

test('the distance never runs back by more than rounding', () => {
  const read = reader();
  read(31_740, 1, 0);
  assert.equal(read(31_739, 1, 1), 31_739);
  assert.equal(read(31_000, 1, 2), undefined);
});

test('after a long silence a long way is plausible', () => {
  const read = reader();
  read(31_740, 1, 0);
  assert.equal(read(33_000, 1, 48), 33_000);
});
