import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseAnswer } from '../../../src/protocols/abrp/answer.ts';
import { vectorsIn } from '../../support/ndjson.ts';

const vectors = vectorsIn<{ name: string; json: Parameters<typeof parseAnswer>[0]; expect: unknown }>(
  'abrp/answers.ndjson',
);

for (const { name, json, expect } of vectors) {
  test(`an answer of ABRP is understood: ${name} (BMW-42, BMW-43)`, () => {
    assert.deepEqual(parseAnswer(json), expect);
  });
}

test('whatever comes back, it is read without a throw and its message is one short line', () => {
  const texts = fc.oneof(
    fc.string(),
    fc.json(),
    fc.constantFrom('{"status":"ok","missing":{}}', '{"status":{}}', '<html><'),
  );
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 599 }), texts, (status, text) => {
      const answer = parseAnswer({ status, headers: {}, text });
      assert.ok(['ok', 'rejected', 'refused', 'later'].includes(answer.verdict));
      if (status !== 200) assert.notEqual(answer.verdict, 'ok');
      assert.ok((answer.message ?? '').length <= 200);
      assert.doesNotMatch(answer.message ?? '', /\n/);
    }),
  );
});
