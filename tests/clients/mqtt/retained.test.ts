import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRetained } from '../../../src/clients/mqtt/retained.ts';

const message = (topic: string, payload: string, retain = true) => ({ topic, payload, qos: 1 as const, retain });
const mebibyte = 'x'.repeat(1024 * 1024);

test('the last retained message of each topic is remembered, in the order of the topics', () => {
  const retained = createRetained();
  for (const one of [message('a', '1'), message('b', '1'), message('a', '2'), message('c', '1', false)]) {
    assert.equal(retained.note(one), true);
  }
  assert.deepEqual(
    retained.all().map(({ topic, payload, ordinal }) => [topic, payload, ordinal]),
    [
      ['a', '2', -1],
      ['b', '1', -1],
    ],
  );
});

test('a topic that is emptied, by us or by somebody else, is forgotten', () => {
  const retained = createRetained();
  retained.note(message('a', '1'));
  retained.note(message('b', '1'));
  assert.equal(retained.note(message('a', '')), true);
  assert.equal(retained.forget('b'), true);
  assert.equal(retained.forget('b'), false);
  assert.deepEqual(retained.all(), []);
});

test('8 MiB and 10,000 topics are remembered at most; what is forgotten makes room', () => {
  const retained = createRetained();
  const noted = Array.from({ length: 9 }, (_, n) => retained.note(message(`t${n}`, mebibyte)));
  assert.deepEqual(noted, [true, true, true, true, true, true, true, false, false]);
  retained.forget('t0');
  assert.equal(retained.note(message('t8', mebibyte)), true);

  const many = createRetained();
  for (let n = 0; n < 10_000; n++) assert.equal(many.note(message(`t${n}`, 'x')), true);
  assert.equal(many.note(message('one more', 'x')), false);
  assert.equal(many.note(message('t0', 'y')), true);
});
