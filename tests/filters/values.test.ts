import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isUnknown, lookup, toBoolean, toNumber } from '../../src/filters/values.ts';

test('numbers may be quoted; the empty string is no zero, and nothing else is a number', () => {
  assert.equal(toNumber(66), 66);
  assert.equal(toNumber('66'), 66);
  assert.equal(toNumber(' 254.5 '), 254.5);
  assert.equal(toNumber('-1.5e2'), -150);
  assert.equal(toNumber('0'), 0);
  assert.ok(Object.is(toNumber(-0), 0));
  for (const raw of [
    '',
    ' ',
    '-',
    '-NA-',
    '0x10',
    '1,5',
    '66 %',
    'Infinity',
    'NaN',
    NaN,
    Infinity,
    true,
    false,
    null,
    undefined,
    [],
    [5],
    {},
  ]) {
    assert.equal(toNumber(raw), undefined, JSON.stringify(raw));
  }
});

test('yes and no are known in the spellings that cars use', () => {
  for (const raw of [true, 'true', 'TRUE', 'ASN_isTrue', 'OPEN', 1, '1'])
    assert.equal(toBoolean(raw), true, String(raw));
  for (const raw of [false, 'false', 'ASN_isFalse', 'CLOSED', 0, '0']) assert.equal(toBoolean(raw), false, String(raw));
  for (const raw of ['', 'ASN_isUnknown', 'INVALID', 'yes?', 2, null, undefined, {}, []]) {
    assert.equal(toBoolean(raw), undefined, String(raw));
  }
});

test('what stands for unknown is unknown in any case', () => {
  for (const raw of [
    null,
    undefined,
    '',
    ' ',
    'INVALID',
    '-NA-',
    '-na-',
    'UNKNOWN',
    'asn_isUnknown',
    'NOT_AVAILABLE',
  ]) {
    assert.equal(isUnknown(raw), true, String(raw));
  }
  for (const raw of [0, false, 'NOCHARGING', 'NO']) assert.equal(isUnknown(raw), false, String(raw));
});

test('a value map knows words in any case, patterns, a default, and null for unknown (BMW-31)', () => {
  const find = lookup({ CHARGINGACTIVE: true, 'Finished*': false, ERROR: null, '*': false });
  assert.equal(find('CHARGINGACTIVE'), true);
  assert.equal(find('chargingactive'), true);
  assert.equal(find('FINISHED_NOT_FULL'), false);
  assert.equal(find('ERROR'), undefined);
  assert.equal(find('SOMETHING_NEW'), false);
});

test('the default of a value map is not for what is unknown, but a word for it can be named (C-2)', () => {
  const find = lookup({ ON: true, '*': false });
  for (const raw of ['INVALID', '', '-NA-', null, undefined, {}]) assert.equal(find(raw), undefined);
  assert.equal(lookup({ INVALID: false })('INVALID'), false);
});

test('what a value map does not name stays as it was', () => {
  assert.equal(lookup({ '1-PHASES': 1 })('3'), '3');
  assert.equal(lookup({ '1-PHASES': 1 })(3), 3);
});

test('any text gives a finite number, a boolean, or nothing', () => {
  fc.assert(
    fc.property(fc.anything(), (raw) => {
      const number = toNumber(raw);
      assert.ok(number === undefined || Number.isFinite(number));
      assert.ok([true, false, undefined].includes(toBoolean(raw)));
    }),
  );
});
