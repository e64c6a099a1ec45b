import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRule, type Rule, RuleError } from '../../../src/filters/alarms/rule.ts';

const minute = 60_000;

test('an expression is read with all its parts, in any order and spacing', () => {
  const plain: Rule = {
    name: 'voltage<12.2',
    type: 'battery_reading',
    field: 'voltage',
    operator: '<',
    limit: 12.2,
    hold: 0,
    clear: undefined,
  };
  const cases: [string, Partial<Rule>][] = [
    ['voltage<12.2', {}],
    [' voltage < 12.2 ', {}],
    ['voltage<12.2 for 30m', { hold: 30 * minute }],
    ['voltage<12.2 for 1.5h clear 12.6', { hold: 90 * minute, clear: 12.6 }],
    ['voltage<12.2 clear 12.6 for 500ms', { hold: 500, clear: 12.6 }],
    ['voltage<12.2 hysteresis 0.3', { clear: 12.5 }],
    ['low: voltage<12.2', { name: 'low' }],
    [
      'temperature>=45 hysteresis 5',
      { name: 'temperature>=45', field: 'temperature', operator: '>=', limit: 45, clear: 40 },
    ],
    ['temperature<-10', { name: 'temperature<-10', field: 'temperature', limit: -10 }],
    ['charge_enabled==false', { name: 'charge_enabled==false', field: 'charge_enabled', operator: '==', limit: false }],
    ['firmware!="8.0"', { name: 'firmware!="8.0"', field: 'firmware', operator: '!=', limit: '8.0' }],
    [
      'battery_stats.temp_rate>2',
      { name: 'temp_rate>2', type: 'battery_stats', field: 'temp_rate', operator: '>', limit: 2 },
    ],
  ];
  for (const [text, parts] of cases) assert.deepEqual(parseRule(text), { ...plain, ...parts }, text);
});

test('a slope has a unit of time and a window, a day unless given', () => {
  const { slope, limit, name } = parseRule('voltage<-0.05/d over 3d', 'slope');
  assert.deepEqual(
    { slope, limit, name },
    { slope: { per: 86_400_000, over: 3 * 86_400_000 }, limit: -0.05, name: 'voltage<-0.05/d' },
  );
  assert.equal(parseRule('temperature>1/min', 'slope').slope?.over, 86_400_000);
});

test('what can not be understood is said', () => {
  const cases: [string, 'value' | 'slope', RegExp][] = [
    ['', 'value', /expected an expression/],
    ['voltage', 'value', /expected an expression/],
    ['voltage<low', 'value', /expected an expression/],
    ['voltage=12', 'value', /expected an expression/],
    ['voltage<12 until 30m', 'value', /'until 30m': expected for/],
    ['voltage<12 for 30', 'value', /'for 30'/],
    ['voltage<12 for 1m for 2m', 'value', /for: stands twice/],
    ['voltage<12 clear 11', 'value', /wrong side/],
    ['voltage>12 clear 13', 'value', /wrong side/],
    ['voltage<12 clear 13 hysteresis 1', 'value', /mean the same/],
    ['charge_enabled==false hysteresis 1', 'value', /go with/],
    ['charge_enabled<true', 'value', /== and !=/],
    ['voltage<-0.1/d', 'value', /--slope/],
    ['voltage<12', 'slope', /expected a slope/],
  ];
  for (const [text, kind, why] of cases) {
    assert.throws(
      () => parseRule(text, kind),
      (error: unknown) => error instanceof RuleError && why.test(error.message),
      text,
    );
  }
});
