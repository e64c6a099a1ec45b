import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counted } from '../../src/runtime/counted.ts';

test('one is one, none and several are several', () => {
  assert.deepEqual(
    [0, 1, 2].map((count) => counted(count, 'record')),
    ['0 records', '1 record', '2 records'],
  );
  assert.equal(counted(1, 'record was', 'records were'), '1 record was');
  assert.equal(counted(3, 'record was', 'records were'), '3 records were');
});
