import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createEncoder, type EncoderOptions } from '../../../src/protocols/influx/encoder.ts';
import { identityKeys, type VoltRecord } from '../../../src/records/record.ts';
import { parseLine } from '../../../src/simulators/influx/line.ts';

const time = '2026-03-01T12:00:00.123Z';
const encode = (record: object, options: EncoderOptions = {}): string | undefined =>
  createEncoder(options).encode({ type: 'm', time, ...record } as VoltRecord);
const fieldsOf = (record: object, options?: EncoderOptions): unknown => {
  const line = encode(record, options);
  return line === undefined
    ? undefined
    : Object.fromEntries(Object.entries(parseLine(line).fields).map(([k, { value }]) => [k, value]));
};

test('the type is the measurement, the identity keys are sorted tags, the rest are fields, the time is the record’s own (HAWK-29 to HAWK-34)', () => {
  const line = encode({
    type: 'battery_reading',
    time: '2025-07-12T10:30:00.000Z',
    vehicle_name: 'Vehicle_1',
    device_type: 'BM6',
    device_name: 'BM6_Starter',
    device_id: 'AA:BB:CC:DD:EE:FF',
    voltage: 12.6,
    connector: 1,
    charge_enabled: true,
  });
  assert.equal(
    line,
    'battery_reading,connector=1,device_id=AA:BB:CC:DD:EE:FF,device_name=BM6_Starter,device_type=BM6,vehicle_name=Vehicle_1 ' +
      'voltage=12.6,charge_enabled=true 1752316200000',
  );
});

test('every number is a float, whole or not, unless it is declared an integer', () => {
  assert.equal(encode({ v: 12, w: 12.5, n: -0, e: 1e-7, g: 1e21 }), 'm v=12,w=12.5,n=0,e=1e-7,g=1e+21 1772366400123');
  const encoder = createEncoder({ intFields: ['cycles', 'cell_1'] });
  assert.equal(
    encoder.encode({ type: 'm', time, cycles: 7, cells: [3, 3.2], v: 7 }),
    'm cycles=7i,cell_1=3i,cell_2=3.2,v=7 1772366400123',
  );
  assert.equal(encoder.encode({ type: 'm', time, cycles: 7.5, v: 1 }), 'm v=1 1772366400123');
  assert.equal(encoder.notIntegers, 1);
});

test('texts are fields only when they are asked for, with quotes and backslashes escaped and control characters spelled out', () => {
  assert.equal(encode({ v: 1, firmware: 'x' }), 'm v=1 1772366400123');
  assert.equal(
    encode({ firmware: 'a"b\\c\nd\te\u0001f' }, { stringFields: ['firmware'] }),
    'm firmware="a\\"b\\\\c\\\\nd\\\\te f" 1772366400123',
  );
});

test('null, NaN, infinite and empty values are never written; a record with nothing left is skipped and says why', () => {
  const encoder = createEncoder();
  assert.equal(
    encoder.encode({
      type: 'm',
      time,
      device_name: '',
      vin: null,
      a: null,
      b: Number.NaN,
      c: Number.POSITIVE_INFINITY,
      d: undefined,
      e: 1,
    }),
    'm e=1 1772366400123',
  );
  const skips: [VoltRecord, string][] = [
    [{ type: 'm', time, s: 'text', n: Number.NaN }, 'no field'],
    [{ type: 'm', v: 1 }, 'no time'],
    [{ type: 'm', time: 'yesterday', v: 1 }, 'no time'],
    [{ type: 'm', time: '2500-01-01T00:00:00.000Z', v: 1 }, 'time out of range'],
    [{ type: '__', time, v: 1 }, 'no type'],
    [{ type: 'm', time, device_name: 'ä'.repeat(40_000), v: 1 }, 'tags too long'],
  ];
  for (const [record, why] of skips) {
    assert.equal(encoder.encode(record), undefined);
    assert.equal(encoder.skipped, why);
  }
});

test('names lose what the database can not write: leading underscores, a trailing backslash, control characters, the name time', () => {
  assert.equal(
    encode({ type: '_a b,c', _x: 1, 'y z': 2, 'p=q': 3, 'r\\': 4, 'n\nl': 5, time_: 6 }),
    'a\\ b\\,c x=1,y\\ z=2,p\\=q=3,r=4,n\\nl=5,time_=6 1772366400123',
  );
  assert.equal(encode({ device_name: 'a,b c=d\\e\\', v: 1 }), 'm,device_name=a\\,b\\ c\\=d\\e v=1 1772366400123');
  assert.equal(encode({ 'a\\,b': 1, 'c\\d': 2 }), 'm a\\,b=1,c\\d=2 1772366400123');
  assert.equal(encode({ data: { time: 5 } }), 'm data_time=5 1772366400123');
});

test('lists are numbered from 1, lists that say which are counted, objects are taken apart or left out', () => {
  assert.deepEqual(
    fieldsOf({
      cells: [3.2, 3.3],
      temperatures: [20],
      alarms: ['over_voltage'],
      balancing: [3, 7],
      phases: [1, [2, 3], { a: 4 }, null, 5],
      flags: ['a', 'b', 'c'],
      data: { Soc: 5, inner: { deep: true, text: 'x' } },
      vehicle: { id: 1 },
    }),
    {
      cell_1: 3.2,
      cell_2: 3.3,
      temperature_1: 20,
      alarms_count: 1,
      balancing_count: 2,
      phases_1: 1,
      phases_2_1: 2,
      phases_2_2: 3,
      phases_3_a: 4,
      phases_5: 5,
      flags_count: 3,
      data_Soc: 5,
      data_inner_deep: true,
      vehicle_id_: 1,
    },
  );
  assert.deepEqual(fieldsOf({ v: 1, data: { a: 1 }, list: [{ b: 2 }, 3] }, { nested: 'skip' }), { v: 1, list_2: 3 });
  assert.equal(fieldsOf({ cells: [], a: { b: { c: { d: { e: { f: { g: 1 } } } } } } }), undefined);
});

test('further keys become tags on request, in their place', () => {
  assert.equal(
    encode({ alarm: 'low', vin: 'X', state: 'raised', value: 1 }, { tags: ['alarm', 'state'] }),
    'm,alarm=low,state=raised,vin=X value=1 1772366400123',
  );
});

test('static tags stand in every line, escaped and in their place; a record’s own tag of the same name wins', () => {
  const staticTags = { location: 'garage, left', host: 'pi', vin: 'none', a: '1', 'z z': 'x=y', b: '2' };
  const fixed = createEncoder({ staticTags, tags: ['host'] });
  const line = (record: object): string | undefined => fixed.encode({ type: 'm', time, ...record } as VoltRecord);
  const own = 'm,a=1,b=2,device_id=D,host=nas,location=garage\\,\\ left,vin=V,z\\ z=x\\=y v=1 1772366400123';
  assert.equal(line({ device_id: 'D', host: 'nas', vin: 'V', v: 1 }), own);
  const none = 'm,a=1,b=2,host=pi,location=garage\\,\\ left,vin=none,z\\ z=x\\=y v=1 1772366400123';
  for (const empty of [{}, { vin: '' }, { vin: '\\' }, { vin: null, host: null }, { vin: { of: 'x' }, host: '' }])
    assert.equal(line({ ...empty, v: 1 }), none, JSON.stringify(empty));
  assert.equal(line({ device_id: 'D', host: 'nas', vin: 'V', v: 1 }), own, 'the same again, remembered');
  assert.equal(fixed.series, own.split(' v=')[0]);
});

test('a field that is named like a static tag gets a _, whatever a record has', () => {
  const options = { staticTags: { location: 'garage' } };
  assert.equal(encode({ location: 5, v: 1 }, options), 'm,location=garage location_=5,v=1 1772366400123');
  assert.equal(encode({ _location: 5 }, options), 'm,location=garage location_=5 1772366400123');
});

test('no static tag helps a record without a type, and too many make tags too long', () => {
  assert.equal(encode({ type: '__', v: 1 }, { staticTags: { a: '1' } }), undefined);
  const encoder = createEncoder({ staticTags: { a: 'x'.repeat(65_535) } });
  assert.equal(encoder.encode({ type: 'm', time, v: 1 }), undefined);
  assert.equal(encoder.skipped, 'tags too long');
});

test('whatever the names of static tags are, tags are sorted, each is there once, and none is lost', () => {
  const name = fc.oneof(fc.constantFrom(...identityKeys, 'a', 'zz', 'a b', 'b,c'), fc.stringMatching(/^[a-z]{1,4}$/));
  const tags = fc.dictionary(name, fc.stringMatching(/^[a-z ,=]{1,5}$/));
  fc.assert(
    fc.property(tags, tags, fc.array(name, { maxLength: 3 }), (staticTags, record, further) => {
      const keys = new Set<string>([...identityKeys, ...further]);
      const own = Object.fromEntries(Object.entries(record).filter(([key]) => keys.has(key)));
      const line = createEncoder({ staticTags, tags: further }).encode({ ...own, 'value of it': 1, type: 'm', time })!;
      const read = parseLine(line).tags;
      const expected: Record<string, string> = { ...staticTags, ...own };
      for (const key of ['type', 'time']) delete expected[key];
      assert.deepEqual({ ...read }, expected);
      const written = line
        .split(/(?<!\\) /)[0]!
        .split(/(?<!\\),/)
        .slice(1);
      const names = written.map((part) => part.split(/(?<!\\)=/)[0]!);
      assert.deepEqual(names, names.toSorted());
    }),
  );
});

test('one name is one tag, though two keys would be written by it', () => {
  assert.equal(encode({ vin: 'X', _vin: 5 }, { tags: ['_vin'] }), 'm,vin=X vin_=5 1772366400123');
});

test('seconds are whole ones', () => {
  assert.equal(encode({ v: 1 }, { precision: 's' }), 'm v=1 1772366400');
  assert.equal(encode({ v: 1, time: '1969-12-31T23:59:59.500Z' }, { precision: 's' }), 'm v=1 -1');
});

test('whatever a record holds, its line is one that a strict reader takes, with the tags and numbers that went in', () => {
  const name = fc.oneof(
    fc.string(),
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('a\\', '\\', 'a,b', 'a b', 'a=b', '"', '\n', 'time', '_x', '🔋', 'a\\,b', '\\\\ '),
  );
  const value = fc.oneof(
    fc.double(),
    fc.integer(),
    fc.boolean(),
    name,
    fc.array(fc.double({ noNaN: true }), { maxLength: 3 }),
  );
  const encoder = createEncoder({ stringFields: ['s', 'firmware'] });
  fc.assert(
    fc.property(
      name,
      fc.dictionary(fc.constantFrom(...identityKeys), name),
      fc.dictionary(name, value),
      name,
      (type, tags, fields, text) => {
        const line = encoder.encode({ ...fields, ...tags, s: text, v: 1.5, type, time });
        if (line === undefined) return encoder.skipped === 'no type';
        assert.ok(!line.includes('\n'));
        const point = parseLine(line);
        assert.equal(point.timestamp, 1772366400123);
        assert.equal(point.fields.v?.value, 1.5);
        for (const [key, read] of Object.entries(point.tags)) {
          // What is trimmed is said in the manual; all else comes back as it was.
          assert.equal(
            read,
            String(tags[key as 'vin'])
              .replace(
                /[\u0000-\u001f\u007f]/g,
                (c) => ({ '\n': '\\n', '\r': '\\r', '\t': '\\t', '\f': '\\f' })[c] ?? ' ',
              )
              .replace(/\\+$/, ''),
          );
        }
        return true;
      },
    ),
    { numRuns: 2000 },
  );
});

test('no measurement is a comment: a # at its beginning goes, and one that was nothing else is no type', () => {
  assert.equal(encode({ type: '#a', v: 1 }), 'a v=1 1772366400123');
  assert.equal(encode({ type: '_#_b#', v: 1 }), 'b# v=1 1772366400123');
  assert.equal(encode({ type: '##', v: 1 }), undefined);
});

test('a line never has one name twice, nor a field named like a tag', () => {
  assert.equal(encode({ vin: 'X', _vin: 5 }), 'm,vin=X vin_=5 1772366400123');
  assert.deepEqual(fieldsOf({ _x: 1, x: 2 }), { x: 2 });
  assert.deepEqual(fieldsOf({ _x: 1 }), { x: 1 });
  assert.deepEqual(fieldsOf({ '_a b': 1, 'a b': 2 }), { 'a b': 2 });
  for (const record of [
    { cells: [3.1, 3.2], cell_1: 3.3 },
    { cell_1: 3.3, cells: [3.1, 3.2] },
    { a: { b: 1 }, a_b: 2 },
    { alarms: ['x'], alarms_count: 3 },
  ]) {
    const names = (encode(record) ?? '')
      .split(' ')[1]!
      .split(',')
      .map((field) => field.split('=')[0]);
    assert.equal(new Set(names).size, names.length, JSON.stringify(record));
  }
});
