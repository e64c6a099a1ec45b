import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codecs, codecsFor, usualFor } from '../../../src/protocols/bms/index.ts';

const namesOf = (found: readonly { name: string }[]): string[] => found.map(({ name }) => name);

test('a type means what it names, as far as that speaks on the way', () => {
  assert.deepEqual(namesOf(codecsFor('daly', 'serial')), ['daly-a5', 'daly-d2', 'daly-p81']);
  assert.deepEqual(namesOf(codecsFor('daly-d2', 'gatt')), ['daly-d2']);
  assert.deepEqual(namesOf(codecsFor('bm6', 'gatt')), ['bm6']);
  assert.deepEqual(codecsFor('bm6', 'serial'), []);
  assert.deepEqual(
    codecsFor('auto', 'serial'),
    codecs.filter(({ serial }) => serial),
  );
});

test('where no answer tells, a Daly is taken for an A5 on a wire and for a D2 on the air', () => {
  assert.equal(usualFor('daly', 'serial')?.name, 'daly-a5');
  assert.equal(usualFor('daly', 'gatt')?.name, 'daly-d2');
  assert.equal(usualFor('daly-a5', 'gatt')?.name, 'daly-a5', 'a dialect that is named');
  assert.equal(usualFor('jbd', 'gatt')?.name, 'jbd');
  assert.equal(usualFor('bm2', 'serial'), undefined);
});
