import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mustAct } from '../../../src/clients/influx/failures.ts';

test('what the server misses decides the next step', () => {
  for (const [said, next] of [
    ['organization name "x" not found', /--org/],
    ['bucket "x" not found', /influx-setup --apply\.$/],
    ['database not found: "x"', /--create-db/],
  ] as const) {
    const { status, next: step } = mustAct('noDatabase', said);
    assert.equal(status, 78);
    assert.match(`${step}`, next);
  }
});
