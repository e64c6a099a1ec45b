import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { accessor, PathError, parsePath } from '../../../src/filters/mapping/path.ts';

test('a path to one place becomes its steps, in dots or brackets (BMW-38)', () => {
  for (const [text, steps] of [
    ['$.data.Soc', ['data', 'Soc']],
    [
      "$.data['vehicle.drivetrain.batteryManagement.header'].value",
      ['data', 'vehicle.drivetrain.batteryManagement.header', 'value'],
    ],
    ['$["a"][0][-1]', ['a', 0, -1]],
    ["$['it\\'s']", ["it's"]],
    ['$', []],
    ['vehicle.speed', ['vehicle', 'speed']],
    ["data['a.b'].c", ['data', 'a.b', 'c']],
    ['$.größe', ['größe']],
  ] as const) {
    assert.deepEqual(parsePath(text).steps, steps, text);
  }
});

test('a path to many places has no steps', () => {
  for (const text of [
    '$..latitude',
    '$.*',
    '$.data[*].value',
    '$.a[1:3]',
    '$.a[0,2]',
    "$['a','b']",
    '$..*',
    "$..['a.b'].value",
  ]) {
    assert.equal(parsePath(text).steps, undefined, text);
  }
});

test('what is no path is said with its place', () => {
  for (const text of ['', ' ', '$.', '$.a[', '$.a[x]', '$.a b', '$..', "$['a", '$.a..', 'a b', '.a', '[0]']) {
    assert.throws(() => parsePath(text), PathError, text);
  }
  assert.throws(() => parsePath('$.a[x]'), /from character 4 on, "\[x\]"/);
});

test('filters and scripts are refused: a mapping runs no code', () => {
  for (const text of ["$.a[?(@.key=='x')]", '$.a[(@.length-1)]', '$.a[?@.b]', '$..[?(@)]']) {
    assert.throws(() => parsePath(text), /filter or script/, text);
  }
});

test('a path reaches own properties only', () => {
  const at = (text: string, record: unknown): unknown => accessor(parsePath(text).steps ?? [])(record);
  assert.equal(at('$.a[0].b', { a: [{ b: 0 }] }), 0);
  assert.equal(at('$.a[-1]', { a: [1, 2] }), 2);
  assert.equal(at('$.constructor.name', {}), undefined);
  assert.equal(at('$.__proto__', {}), undefined);
  assert.equal(at('$.a.length', { a: 'text' }), undefined);
  assert.equal(at('$.a[0]', { a: 'text' }), undefined);
});

test('any text is a path or is refused as one', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^\$[.[\]'a*:,0-9-]*$/)), (text) => {
      try {
        parsePath(text);
      } catch (error) {
        assert.ok(error instanceof PathError);
      }
    }),
  );
});
