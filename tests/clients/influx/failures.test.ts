import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mustAct } from '../../../src/clients/influx/failures.ts';

test('what the server misses decides the next step', () => {
  for (const [said, next] of [
    ['organization name "x" not found', /--org/],
    ['bucket "x" not found', /influx-setup --apply\.$/],
    ['database not found: "x"', /--create-db/],
    ['Please provide either orgID or org', /--org/],
    ['POST https://influx.example.org/write: certificate refused (UNABLE_TO_VERIFY_LEAF_SIGNATURE)', /--ca/],
    ['POST https://h/write: certificate refused (CERT_HAS_EXPIRED)', /renewed/],
    ['POST https://h/write: certificate refused (ERR_TLS_CERT_ALTNAME_INVALID)', /a name that stands in/],
    ['POST https://h/write: the far side does not speak TLS', /http:/],
  ] as const) {
    const { status, next: step } = mustAct('noDatabase', said);
    assert.equal(status, 78);
    assert.match(`${step}`, next);
  }
});
