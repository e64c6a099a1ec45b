import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLedger } from '../../src/clients/ledger.ts';

test('inputs are reported in their order, in whatever order they become safe', () => {
  const reports: number[] = [];
  const ledger = createLedger((n) => reports.push(n));
  const [a, b, c] = [ledger.open(), ledger.open(), ledger.open()];
  ledger.close([b]);
  assert.deepEqual(reports, []);
  ledger.close([a]);
  assert.deepEqual(reports, [2]);
  ledger.close([c]);
  assert.deepEqual(reports, [2, 1]);
});

test('what was opened for several inputs counts as so many, in its turn', () => {
  const reports: number[] = [];
  const ledger = createLedger((n) => reports.push(n));
  const [batch, single, other] = [ledger.open(5), ledger.open(), ledger.open(3)];
  ledger.close([other]);
  ledger.close([single]);
  assert.deepEqual(reports, []);
  ledger.close([batch]);
  assert.deepEqual(reports, [9]);
});
