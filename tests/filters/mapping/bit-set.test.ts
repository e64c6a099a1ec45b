import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bitSet } from '../../../src/filters/mapping/bit-set.ts';

test('numbers come out once each, in ascending order', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(99)), (numbers) => {
      const set = bitSet(100);
      for (const number of numbers) set.add(number);
      const out: number[] = [];
      for (let next = set.shift(); next >= 0; next = set.shift()) out.push(next);
      assert.deepEqual(
        out,
        [...new Set(numbers)].sort((a, b) => a - b),
      );
    }),
  );
});
