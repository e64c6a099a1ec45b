import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createBacklog, type Point } from '../../src/clients/abrp/backlog.ts';
import { repeatOf } from '../../src/clients/abrp/repeat.ts';
import { createTokens } from '../../src/clients/abrp/tokens.ts';
import type { VoltRecord } from '../../src/records/record.ts';

const start = 1_772_366_400;
const record: VoltRecord = { type: 'vehicle_telemetry' };
const point = (second: number, ordinal: number): Point => ({
  tlm: { utc: start + second, soc: 50 },
  record,
  covers: [ordinal],
});
const seconds = (points: readonly Point[]): number[] => points.map(({ tlm }) => tlm.utc - start);

test('of each span of measured time the newest point waits', () => {
  const backlog = createBacklog(10);
  for (let second = 0; second < 35; second++) backlog.add(point(second, second));
  const taken = backlog.take(100);
  assert.deepEqual(seconds(taken), [9, 19, 29, 34]);
  assert.deepEqual(taken[1]?.covers, [10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
});

test('without bulk only the newest of all waits', () => {
  const backlog = createBacklog(Number.POSITIVE_INFINITY);
  for (let i = 0; i < 5; i++) backlog.add(point(i * 3600, i));
  const taken = backlog.take(1);
  assert.deepEqual(seconds(taken), [4 * 3600]);
  backlog.add(point(5 * 3600, 5));
  backlog.putBack(taken);
  assert.equal(backlog.size, 1);
  const again = backlog.take(1);
  assert.deepEqual(seconds(again), [5 * 3600]);
  assert.deepEqual(again[0]?.covers, [0, 1, 2, 3, 4, 5]);
});

test('a point that is older than the one that waits does not take its place', () => {
  const backlog = createBacklog(10);
  backlog.add(point(5, 0));
  backlog.add(point(3, 1));
  const taken = backlog.take(9);
  assert.deepEqual(seconds(taken), [5]);
  assert.deepEqual(taken[0]?.covers, [0, 1]);
});

test('of two points of one time the later one takes the place: it holds a value that came late', () => {
  const backlog = createBacklog(10);
  const ended = { ...point(5, 1), tlm: { utc: start + 5, soc: 50, is_charging: false } };
  backlog.add(point(5, 0));
  backlog.add(ended);
  const [taken] = backlog.take(9);
  assert.deepEqual(taken?.tlm, ended.tlm);
  assert.deepEqual(taken?.covers, [0, 1]);
});

test('whatever is added, taken and put back, points stay in order and every input is answered for once', () => {
  const steps = fc.array(fc.oneof(fc.integer({ min: 0, max: 30 }), fc.constantFrom('take', 'fail', 'deliver')), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(steps, fc.constantFrom(10, Number.POSITIVE_INFINITY), (script, span) => {
      const backlog = createBacklog(span);
      const ordinals: number[] = [];
      let under: ReturnType<typeof backlog.take> = [];
      let delivered: number[] = [];
      let now = 0;
      for (const step of script) {
        if (typeof step === 'number') {
          now += step;
          ordinals.push(ordinals.length);
          backlog.add(point(now, ordinals.length - 1));
        } else if (step === 'take' && under.length === 0) under = backlog.take(2);
        else if (step === 'fail') {
          backlog.putBack(under);
          under = [];
        } else if (step === 'deliver') {
          delivered = delivered.concat(under.flatMap(({ covers }) => covers));
          under = [];
        }
      }
      const rest = backlog.take(99);
      const utcs = [...under, ...rest].map(({ tlm }) => tlm.utc);
      assert.deepEqual(
        utcs,
        [...utcs].sort((a, b) => a - b),
      );
      const all = [...delivered, ...under.flatMap(({ covers }) => covers), ...rest.flatMap(({ covers }) => covers)];
      assert.deepEqual(
        all.sort((a, b) => a - b),
        ordinals,
      );
    }),
  );
});

test('a VIN in a configuration is meant in any case of letters', () => {
  assert.equal(createTokens({ wby1: 'one' }, undefined, []).of('WBY1'), 'one');
  const tokens = createTokens({}, 'single', ['wby1']);
  assert.ok(tokens.wants('WBY1'));
  assert.equal(tokens.of('WBY1'), 'single');
});

test('a token is never used for two vehicles (BMW-70, C-8)', () => {
  const both = createTokens({ A: 'token-a' }, 'single', []);
  assert.equal(both.of('A'), 'token-a');
  assert.equal(both.of('B'), 'single');
  assert.equal(both.of('C'), undefined);
  assert.equal(both.of('B'), 'single');
  assert.equal(both.vehicles, 2);
});

test('--vin names the vehicle of the single token and shuts out the others (BMW-70)', () => {
  const one = createTokens({ A: 'token-a', C: 'token-c' }, 'single', ['B']);
  assert.equal(one.of('A'), undefined);
  assert.equal(one.of('B'), 'single');
  const two = createTokens({ A: 'token-a', C: 'token-c' }, undefined, ['A', 'B']);
  assert.deepEqual([two.of('A'), two.of('B'), two.of('C')], ['token-a', undefined, undefined]);
  assert.equal(two.vehicles, 1);
});

const tlm = { utc: start, soc: 50, is_charging: false, is_parked: true, power: 0.4, current: 1, ext_temp: 4 };

test('a parked car is said again with its time moved on and without what flows', () => {
  const parked = { ...record, is_charging: false, is_parked: true };
  assert.deepEqual(repeatOf({ record: parked, tlm }, 60_000, 2, 30_000), {
    after: 30_000,
    tlm: { utc: start + 90, soc: 50, is_charging: false, is_parked: true, ext_temp: 4 },
  });
});

test('a parked car is said again for an hour and no longer', () => {
  const plugged = { ...record, is_charging: false, is_plugged_in: true };
  assert.ok(repeatOf({ record: plugged, tlm }, 3_500_000, 90, 30_000));
  assert.equal(repeatOf({ record: plugged, tlm }, 3_600_000, 90, 30_000), undefined);
});

test('a car that charges, drives or does not say is repeated once, as it was, for ABRP to process it', () => {
  for (const state of [
    { is_charging: true, is_parked: true },
    { is_charging: false, is_parked: false },
    { is_parked: true },
    {},
  ]) {
    assert.deepEqual(repeatOf({ record: { ...record, ...state }, tlm }, 0, 0, 30_000), { after: 61_000, tlm });
    assert.equal(repeatOf({ record: { ...record, ...state }, tlm }, 0, 1, 30_000), undefined);
  }
});

test('a heartbeat of 0 repeats nothing', () => {
  assert.equal(repeatOf({ record: { ...record, is_charging: false, is_parked: true }, tlm }, 0, 0, 0), undefined);
});
