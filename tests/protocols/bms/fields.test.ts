import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isRejection } from '../../../src/protocols/bms/codec.ts';
import { bitNumbers, cellFields, powerOf, temperatureFields } from '../../../src/protocols/bms/fields.ts';
import { codecs } from '../../../src/protocols/bms/index.ts';
import { bytesOf, vectorsOf } from '../../support/bms-vectors.ts';

test('lowest and highest cell have their numbers from 1, the first of equal ones', () => {
  assert.deepEqual(cellFields([3300, 3290, 3310, 3290, 3310]), {
    cells: [3.3, 3.29, 3.31, 3.29, 3.31],
    cell_min: 3.29,
    cell_min_number: 2,
    cell_max: 3.31,
    cell_max_number: 3,
    cell_delta: 0.02,
  });
  assert.deepEqual(cellFields([]), {});
});

test('a list with a missing cell is left out whole, the others still give lowest, highest and difference', () => {
  assert.deepEqual(cellFields([3300, undefined, 3310]), {
    cell_min: 3.3,
    cell_min_number: 1,
    cell_max: 3.31,
    cell_max_number: 3,
    cell_delta: 0.01,
  });
  assert.deepEqual(cellFields([undefined]), {});
});

test('a list with a missing sensor is left out whole, and the first that measures is the temperature', () => {
  assert.deepEqual(temperatureFields([undefined, 20, 22]), { temperature: 20, temp_min: 20, temp_max: 22 });
  assert.deepEqual(temperatureFields([21, -3]), {
    temperature: 21,
    temperatures: [21, -3],
    temp_min: -3,
    temp_max: 21,
  });
  assert.deepEqual(temperatureFields([undefined]), {});
});

test('power is voltage times current with the sign of the current', () => {
  assert.equal(powerOf(52.8, -12.3), -649.44);
  assert.equal(powerOf(13.3, 0), 0);
});

test('bits are numbered from 1, all 32 of them', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), (bytes) => {
      const mask = Buffer.from(bytes).readUInt32BE();
      const expected = Array.from({ length: 32 }, (_, n) => n).filter((n) => (mask / 2 ** n) & 1);
      assert.deepEqual(
        bitNumbers(mask),
        expected.map((n) => n + 1),
      );
    }),
  );
});

/** All that the recorded conversations of a codec say. */
function readings(name: string) {
  const codec = codecs.find((one) => one.name === name)!;
  return vectorsOf(name).flatMap(({ exchanges, address }) => {
    const options = address === undefined ? {} : { address };
    const parser = codec.parser(options);
    const frames = exchanges.flatMap(({ response }) => response.flatMap((chunk) => parser.push(bytesOf(chunk)).frames));
    const decoded = codec.reading.decode(frames, options);
    return isRejection(decoded) ? [] : [decoded.fields];
  });
}

test('a 12 V monitor has no current and no power: the keys are absent, never 0 (C-12)', () => {
  for (const name of ['bm2', 'bm6', 'bm7']) {
    const all = readings(name);
    assert.ok(all.length > 0);
    for (const fields of all) {
      assert.ok(!('current' in fields) && !('power' in fields), name);
      assert.equal(typeof fields.voltage, 'number');
      assert.equal(typeof fields.state_of_charge, 'number');
    }
  }
});

test('where there is a current there is a power, and both have the same sign', () => {
  for (const name of ['jbd', 'daly-a5', 'daly-d2', 'daly-p81']) {
    const all = readings(name).filter(({ current }) => current !== undefined);
    assert.ok(all.length > 0);
    for (const { voltage, current, power } of all) assert.equal(power, powerOf(voltage!, current!), name);
  }
});

test('jbd: protections have names, a switch that somebody turned off is no fault', () => {
  const all = readings('jbd');
  assert.ok(all.some(({ alarms }) => alarms?.includes('cell_overvoltage')));
  const locked = all.filter(({ switch_locked }) => switch_locked);
  assert.ok(locked.length > 0);
  for (const { alarms, alarm_flags } of locked) {
    assert.ok(!alarms!.includes('switch_locked'));
    assert.ok((alarm_flags! & 0x1000) !== 0);
  }
});

test('daly: faults have names, one that no document explains has its place, and the bits are one number', () => {
  const all = readings('daly-a5');
  assert.ok(all.some(({ alarms }) => alarms?.includes('soc_low_2')));
  const [unknown] = all.filter(({ alarms }) => alarms?.includes('byte6.bit4'));
  assert.equal(unknown?.alarm_flags, 2 ** 52);
});
