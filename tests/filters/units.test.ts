import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conversion, unitOf } from '../../src/filters/units.ts';

test('units are known in the spellings that sources use', () => {
  for (const [spelling, unit] of Object.entries({
    '%': '%',
    percent: '%',
    PERCENT: '%',
    km: 'km',
    KM: 'km',
    kilometers: 'km',
    ' miles ': 'mi',
    kPa: 'kPa',
    kpa: 'kPa',
    W: 'W',
    kW: 'kW',
    degrees: '°',
    Celsius: '°C',
    celsius: '°C',
    min: 'min',
    V: 'V',
    A: 'A',
    kWh: 'kWh',
    mph: 'mph',
  })) {
    assert.equal(unitOf(spelling), unit, spelling);
  }
  for (const spelling of ['', 'furlong', 'constructor', '__proto__']) assert.equal(unitOf(spelling), undefined);
});

test('numbers are converted exactly, without the noise of binary fractions', () => {
  const convert = (value: number, from: string, to: string): number | undefined => conversion(from, to)?.(value);
  assert.equal(convert(7100, 'W', 'kW'), 7.1);
  assert.equal(convert(10.9, 'kW', 'W'), 10900);
  assert.equal(convert(100, 'mi', 'km'), 160.9344);
  assert.equal(convert(2.4, 'bar', 'kPa'), 240);
  assert.equal(convert(36, 'psi', 'kPa'), 248.211262554);
  assert.equal(convert(70, '°F', '°C'), 21.1111111111);
  assert.equal(convert(90, 's', 'min'), 1.5);
  assert.equal(convert(0.66, 'ratio', '%'), 66);
  assert.equal(convert(60, 'mph', 'km/h'), 96.56064);
});

test('what measures something else is not converted', () => {
  for (const [from, to] of [
    ['km', '%'],
    ['W', 'kWh'],
    ['nothing', 'km'],
    ['km', 'nothing'],
    ['toString', 'km'],
  ]) {
    assert.equal(conversion(from ?? '', to ?? ''), undefined);
  }
});
