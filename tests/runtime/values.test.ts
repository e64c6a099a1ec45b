import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OptionSpec } from '../../src/runtime/options.ts';
import { parseDuration, parseSize, parseValue, ValueError } from '../../src/runtime/values.ts';

const spec = (type: OptionSpec['type'], more: Partial<OptionSpec> = {}): OptionSpec => ({
  type,
  summary: 'x',
  ...more,
});

const good: [string, unknown, OptionSpec, unknown][] = [
  ['a bare number is seconds', '10', spec('duration'), 10_000],
  ['a number from a file is seconds too', 10, spec('duration'), 10_000],
  ['milliseconds', '500ms', spec('duration'), 500],
  ['seconds', '10s', spec('duration'), 10_000],
  ['minutes', '5m', spec('duration'), 300_000],
  ['hours', '1h', spec('duration'), 3_600_000],
  ['days', '7d', spec('duration'), 604_800_000],
  ['parts of a unit', '1.5h', spec('duration'), 5_400_000],
  ['bytes', '1024', spec('size'), 1024],
  ['mebibytes', '64MiB', spec('size'), 67_108_864],
  ['short units', '1g', spec('size'), 1_073_741_824],
  ['a negative number', '-2.5', spec('number'), -2.5],
  ['an integer', '7', spec('integer', { min: 1, max: 7 }), 7],
  ['a flag from the environment', 'yes', spec('flag'), true],
  ['a flag turned off', '0', spec('flag'), false],
  ['a flag from a file', false, spec('flag'), false],
  ['a choice in capitals', 'INFO', spec('choice', { choices: ['info', 'warn'] }), 'info'],
  ['a list with commas', 'a, b,,c', spec('list'), ['a', 'b', 'c']],
  ['a list from a file', ['a', 'b'], spec('list'), ['a', 'b']],
  ['a list given several times', ['a,b', 'c'], spec('list'), ['a', 'b', 'c']],
  ['a repeated option', ['1', '2'], spec('integer', { repeatable: true }), [1, 2]],
  ['one of a repeatable option', '1', spec('integer', { repeatable: true }), [1]],
  ['a URL', 'mqtts://h:8883', spec('url'), 'mqtts://h:8883'],
  ['a map from text', 'a=1, b = 2', spec('map'), { a: '1', b: '2' }],
  ['a map whose values hold an equals sign', 'VIN=dG9rZW4=', spec('map'), { VIN: 'dG9rZW4=' }],
  ['a map from a file', { a: 'x' }, spec('map'), { a: 'x' }],
  ['an object as it is', { a: [1] }, spec('object'), { a: [1] }],
];
for (const [name, raw, option, expected] of good) {
  test(`values: ${name}`, () => assert.deepEqual(parseValue(raw, option), expected));
}

const bad: [string, unknown, OptionSpec, RegExp][] = [
  ['no number', 'ten', spec('duration'), /expected a duration/],
  ['a negative duration', '-1s', spec('duration'), /expected a duration/],
  ['an unknown unit', '3 weeks', spec('duration'), /expected a duration/],
  ['an unknown size', '3 lots', spec('size'), /expected a size/],
  ['an empty number', '', spec('number'), /expected a number/],
  ['infinity', 'Infinity', spec('number'), /expected a number/],
  ['a fraction', '1.5', spec('integer'), /whole number/],
  ['too little', '0', spec('integer', { min: 1 }), /at least 1/],
  ['too much', '9', spec('integer', { max: 8 }), /at most 8/],
  ['too short a duration', '1ms', spec('duration', { min: 1000 }), /at least 1 ?s/],
  ['no flag', 'maybe', spec('flag'), /true or false/],
  ['no choice', 'x', spec('choice', { choices: ['a', 'b'] }), /one of a, b/],
  ['no URL', 'host:8883', spec('url'), /expected a URL/],
  ['half a pair', 'a', spec('map'), /key=value/],
  ['a map of numbers', { a: 1 }, spec('map'), /expected text/],
  ['a list where keys are wanted', ['a'], spec('map'), /text for each key, not a list/],
  ['a list where one is wanted', ['a', 'b'], spec('string'), /one value/],
  ['an object where text is wanted', { a: 1 }, spec('string'), /single value/],
];
for (const [name, raw, option, why] of bad) {
  test(`values: ${name} is refused with what was expected`, () => {
    assert.throws(
      () => parseValue(raw, option),
      (error: unknown) => error instanceof ValueError && why.test(error.message),
    );
  });
}

test('durations and sizes can be read by themselves', () => {
  assert.equal(parseDuration('2m'), 120_000);
  assert.equal(parseSize('2k'), 2048);
});
