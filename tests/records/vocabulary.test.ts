import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commonKeys, validate } from '../../src/records/common.ts';
import { identityKeys } from '../../src/records/record.ts';
import { vocabulary } from '../../src/records/vocabulary.ts';

test('every family has one type, and no key twice', () => {
  assert.equal(new Set(vocabulary.map(({ type }) => type)).size, vocabulary.length);
  for (const { type, keys } of vocabulary) {
    const names = [...commonKeys, ...keys].map(({ name }) => name);
    assert.equal(new Set(names).size, names.length, type);
  }
});

test('names are snake_case, and texts are phrases without full stop', () => {
  for (const { type, summary, keys } of vocabulary) {
    for (const { name, summary: text } of [{ name: type, summary }, ...keys]) {
      assert.match(name, /^[a-z][a-z0-9_]*$/);
      assert.doesNotMatch(text, /\.$/, `${type} ${name}`);
    }
  }
});

test('the identity keys are the tags, everywhere', () => {
  for (const { type, keys } of vocabulary) {
    for (const { name, tag } of keys) {
      assert.equal(tag === true, (identityKeys as readonly string[]).includes(name), `${type} ${name}`);
    }
  }
});

test('a key means the same unit wherever it stands among the readings of one kind', () => {
  const telemetry = vocabulary.find(({ type }) => type === 'vehicle_telemetry');
  const units = Object.fromEntries(telemetry?.keys.map(({ name, unit }) => [name, unit]) ?? []);
  assert.deepEqual(
    [units.soc, units.power, units.speed, units.charging_power, units.remaining_charge_time, units.lat, units.utc],
    ['%', 'kW', 'km/h', 'kW', 'min', '°', 's'],
  );
});

test('the common keys are checked: type, time, identity', () => {
  const good = { type: 'battery_reading', time: '2026-03-01T12:00:00.000Z', device_id: 'AA' };
  assert.equal(validate(good), undefined);
  assert.equal(validate({ ...good, anything: { else: 1 } }), undefined);
  assert.equal(validate({ type: 'command' }), undefined);
  assert.equal(validate([good]), 'not a JSON object');
  assert.equal(validate(null), 'not a JSON object');
  assert.equal(validate({ time: good.time }), 'no "type"');
  assert.match(validate({ ...good, time: '2026-03-01T12:00:00Z' }) ?? '', /^time/);
  assert.match(validate({ ...good, time: '2026-13-01T12:00:00.000Z' }) ?? '', /^time/);
  assert.match(validate({ ...good, device_id: 7 }) ?? '', /^device_id is not a string/);
  assert.match(validate({ ...good, connector: '1' }) ?? '', /^connector is not an integer/);
});
