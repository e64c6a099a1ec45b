import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatTime, parseTime } from '../../src/records/time.ts';

test('a time stamp of any form that RFC 3339 has is read as Date reads it', () => {
  for (const text of [
    '2026-03-01T12:34:56.789Z',
    '2026-03-01T12:34:56Z',
    '2026-03-01T12:34:56.7Z',
    '2026-03-01T12:34:56.123456Z',
    '2026-03-01T12:34:56+01:00',
    '1969-12-31T23:59:59.999Z',
  ]) {
    assert.equal(parseTime(text), Date.parse(text), text);
  }
  assert.equal(parseTime('2026-03-01T12:34:56+0100'), Date.parse('2026-03-01T11:34:56Z'));
});

test('what is no time stamp is NaN, never a guess', () => {
  for (const value of [
    '',
    'now',
    '2026-03-01',
    '2026-03-01T12:34:56',
    '2026-03-01T24:00:01Z',
    '2026-03-01T12:60:00Z',
    '2026-03-01T1a:34:56Z',
    '2026-03-01T12.34.56Z',
    '2026-03-01T12:34:56:789Z',
    '2026-13-01T12:34:56Z',
    '19.02.2027 00:00:00 UTC',
    '12/31/2026T00:00:00Z',
    1767225600000,
    null,
    undefined,
    {},
  ]) {
    assert.ok(Number.isNaN(parseTime(value)), String(value));
  }
});

test('any text is read as Date reads it, or refused', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/)), (text) => {
      const time = parseTime(text);
      assert.ok(Number.isNaN(time) || time === Date.parse(text), text);
    }),
  );
});

test('a time is written as Date writes it, and read back', () => {
  fc.assert(
    fc.property(fc.date({ noInvalidDate: true, min: new Date('0001-01-01'), max: new Date('9999-12-31') }), (date) => {
      assert.equal(formatTime(date.getTime()), date.toISOString());
      assert.equal(parseTime(date.toISOString()), date.getTime());
    }),
  );
});
