import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { bmsLogColumns } from '../../../src/filters/csv/bms-log.ts';
import { type CsvReading, csvReader } from '../../../src/filters/csv/reader.ts';
import { type TimeFormatName, timeFormats } from '../../../src/filters/csv/time.ts';
import { type CsvOptions, csvWriter } from '../../../src/filters/csv/writer.ts';
import { batteryReading } from '../../../src/records/battery-reading.ts';
import type { VoltRecord } from '../../../src/records/record.ts';
import { formatTime } from '../../../src/records/time.ts';

const base: CsvOptions = {
  type: undefined,
  columns: [],
  preset: undefined,
  widths: { cells: 4, temperatures: 2 },
  time: 'rfc3339',
  delimiter: ',',
  escapeFormulas: false,
};

const tableOf = (records: readonly VoltRecord[], options: Partial<CsvOptions> = {}): string => {
  const csv = csvWriter({ ...base, ...options });
  const lines = records.map((record) => csv.line(record));
  return [csv.header(), ...lines].map((line) => `${line}\n`).join('');
};

const readBack = (text: string, options: Partial<Parameters<typeof csvReader>[0]> = {}): CsvReading[] => {
  const reader = csvReader({ ...base, hasHeader: true, set: {}, ...options });
  return [...reader.push(text), ...reader.end()];
};
const recordsIn = (text: string, options: Partial<Parameters<typeof csvReader>[0]> = {}): VoltRecord[] =>
  readBack(text, options).map(({ record, ...why }) => {
    assert.ok(record, JSON.stringify(why));
    return record;
  });

const reading: VoltRecord = {
  type: 'battery_reading',
  time: '2026-03-01T12:00:00.123Z',
  device_id: 'A4:C1:37:00:5E:07',
  device_name: 'House, "big"',
  voltage: 13.21,
  current: -4.5,
  state_of_charge: 83,
  power: -59.4,
  temperatures: [21.5, 20.9],
  cells: [3.301, 3.299, 3.302, 3.298],
  charge_enabled: true,
  discharge_enabled: false,
  balancing: [1, 3],
  alarms: ['cell overvoltage'],
  alarm_flags: 5,
};

describe('a table of records', () => {
  test('the header is the vocabulary, time first, whatever the records hold (ESP-79, ESP-85)', () => {
    const header = csvWriter({ ...base, type: 'battery_reading' })
      .header()!
      .split(',');
    assert.deepEqual(header.slice(0, 4), ['time', 'type', 'device_id', 'device_name']);
    assert.deepEqual(header.slice(header.indexOf('cell_1'), header.indexOf('cell_1') + 4), [
      'cell_1',
      'cell_2',
      'cell_3',
      'cell_4',
    ]);
    assert.ok(!header.includes('cell_5'));
    for (const { name } of batteryReading.keys) {
      assert.ok(header.includes(name === 'cells' ? 'cell_1' : name === 'temperatures' ? 'temperature_1' : name), name);
    }
    const other = csvWriter({ ...base });
    other.line({ type: 'battery_reading', time: reading.time!, device_id: 'x' });
    assert.deepEqual(other.header()!.split(','), header);
  });

  test('an absent key is an empty cell, and only that; columns can be chosen', () => {
    const columns = ['time', 'current', 'cells', 'alarms', 'balancing', 'charge_enabled'];
    assert.equal(
      tableOf([reading, { type: 'battery_reading', time: reading.time!, current: 0 }], { columns }),
      'time,current,cell_1,cell_2,cell_3,cell_4,alarms,balancing,charge_enabled\n' +
        '2026-03-01T12:00:00.123Z,-4.5,3.301,3.299,3.302,3.298,cell overvoltage,1;3,true\n' +
        '2026-03-01T12:00:00.123Z,0,,,,,,,\n',
    );
  });

  test('a record of another type is not in the table; more cells than columns are said', () => {
    const csv = csvWriter({ ...base, type: 'battery_reading' });
    assert.equal(csv.line({ type: 'alarm' }), undefined);
    assert.equal(csv.tooWide({ ...reading, cells: [1, 2, 3, 4, 5] }), 'cells');
    assert.equal(csv.tooWide(reading), undefined);
  });

  test('a type that nobody knows has the keys of its first record', () => {
    const first = { type: 'mine', time: reading.time!, a: 1, b: { c: 'x' }, d: '12' };
    assert.equal(tableOf([first]), `time,type,a,b,d\n${reading.time},mine,1,"{""c"":""x""}","""12"""\n`);
    assert.deepEqual(recordsIn(tableOf([first])), [{ ...first }]);
  });

  test('a text in a cell of any kind is quoted when it would be read back as something else, and only then', () => {
    const csv = csvWriter({ ...base, columns: ['further'], delimiter: '|' });
    const shown = (further: string): string => csv.line({ type: 'battery_reading', further })!;
    for (const text of ['12', '-0.5', '1e5', '2E+3', 'true', 'false', 'null', '[1]', '{}', '[]']) {
      assert.equal(shown(text), `"""${text}"""`);
    }
    for (const text of ['\t12\n', ' [1,\r\n2] ', '"x"', ' "x" ', '{"a":"}"}']) {
      const quoted = JSON.stringify(text).replaceAll('"', '""');
      assert.equal(shown(text), `"${quoted}"`);
    }
    for (const text of ['12 V', '2026-03-01', '007', '1.', '.5', '+1', 'NaN', 'truer', '[1', '[1}', '{a}', '-']) {
      assert.equal(shown(text), text);
    }
    // No white space of JSON.
    for (const text of ['\u00a012', '12\u2028', '\ufeff12']) assert.equal(shown(text), `"${text}"`);
  });

  for (const [name, shown] of Object.entries({
    rfc3339: '2026-03-01T12:00:00.123Z',
    sql: '2026-03-01 12:00:00.123',
    unix: '1772366400.123',
    'unix-ms': '1772366400123',
  })) {
    test(`time as ${name}`, () => {
      const time = name as TimeFormatName;
      const text = tableOf([reading], { time, columns: ['type', 'time'] });
      assert.equal(text, `type,time\nbattery_reading,${shown}\n`);
      assert.equal(recordsIn(text, { time })[0]?.time, reading.time);
      assert.equal(timeFormats[time].read('soon'), undefined);
    });
  }
});

test('a time with an offset is written in UTC where a zone has no place', () => {
  const record = { ...reading, time: '2026-03-01T14:00:00.123+02:00' };
  const sql = tableOf([record], { time: 'sql', columns: ['type', 'time'] });
  assert.equal(sql, 'type,time\nbattery_reading,2026-03-01 12:00:00.123\n');
  assert.equal(recordsIn(sql, { time: 'sql' })[0]?.time, reading.time);
});

test('keys that no column shows are told of once each, unless the columns were chosen', () => {
  const csv = csvWriter({ ...base });
  const record = { ...reading, extra: 1, obj: {} };
  csv.line(record);
  assert.deepEqual(csv.strangeKeys(reading), []);
  assert.deepEqual(csv.strangeKeys(record), ['extra', 'obj']);
  assert.deepEqual(csv.strangeKeys({ ...record, third: 1 }), ['third']);
  for (const options of [{ columns: ['time'] }, { preset: 'bms-log' as const }]) {
    assert.deepEqual(csvWriter({ ...base, ...options }).strangeKeys(record), []);
  }
  const mine = csvWriter({ ...base });
  mine.line({ type: 'mine', a: 1 });
  assert.deepEqual(mine.strangeKeys({ type: 'mine', a: 1 }), []);
  assert.deepEqual(mine.strangeKeys({ type: 'mine', a: 1, b: 2 }), ['b']);
  let told = 0;
  for (let i = 0; i < 1000; i++) told += csv.strangeKeys({ type: 'battery_reading', [`k${i}`]: i }).length;
  assert.ok(told < 30, `${told} warnings`);
});

const time = fc.integer({ min: 0, max: 4_102_444_800_000 }).map(formatTime);
const value = fc.double({ min: -1000, max: 1000, noNaN: true }).map((x) => x + 0);
const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('=', '"', ';', ',', '\n', '1', '[', "'", ' ') }));
const anyReading = fc
  .record(
    {
      type: fc.constant('battery_reading'),
      time,
      device_id: text,
      device_name: text,
      voltage: value,
      current: value,
      temperatures: fc.array(value, { minLength: 1, maxLength: 2 }),
      cells: fc.array(value, { minLength: 1, maxLength: 4 }),
      charge_enabled: fc.boolean(),
      balancing: fc.array(fc.integer({ min: 1, max: 32 })),
      alarms: fc.array(text),
      alarm_flags: fc.integer({ min: 0, max: 65_535 }),
      further: fc.jsonValue().filter((json) => json !== null),
    },
    { requiredKeys: ['type', 'time', 'device_id'] },
  )
  .map((record) => JSON.parse(JSON.stringify(record)) as VoltRecord);

describe('the way back', () => {
  test('what a table holds comes back as it was (ESP-85)', () => {
    const columns = ['type', 'time', ...batteryReading.keys.map(({ name }) => name), 'further'];
    fc.assert(
      fc.property(fc.array(anyReading, { minLength: 1 }), fc.boolean(), (records, escapeFormulas) => {
        const options = { columns, escapeFormulas };
        // A text that begins with the escape itself is the one thing that looks escaped.
        const isEscaped = (record: VoltRecord): boolean =>
          escapeFormulas && /'[=+\-@\t\r]/.test(JSON.stringify(record));
        const kept = records.filter((record) => !isEscaped(record));
        assert.deepEqual(
          recordsIn(tableOf(kept, options), options).map((record) => ({ ...record })),
          kept,
        );
      }),
    );
  });

  test('a row that is none is said by its line and reason', () => {
    const rows = 'time,device_id,voltage,cell_1,cell_2,cell_3\n,a,1\n,a,x,,,\nyesterday,a,1,,,\n,a,1,1,,3\n';
    assert.deepEqual(
      readBack(rows, { type: 'battery_reading' }).map(({ record, ...why }) => record ?? why),
      [
        { line: 2, fault: '3 cells instead of 6' },
        { line: 3, fault: 'voltage: no number: "x"' },
        { line: 4, fault: 'time: no time of the form rfc3339: "yesterday"' },
        // A cell is missing in the midst: the list is left out, never closed up.
        { type: 'battery_reading', device_id: 'a', voltage: 1 },
      ],
    );
  });

  test('no type is a fault, an added key is none', () => {
    assert.match(String(readBack('a\n1\n')[0]?.fault), /no type/);
    assert.deepEqual(recordsIn('a\n1\n', { set: { type: 'mine', who: 'me' } }), [{ type: 'mine', a: 1, who: 'me' }]);
  });
});

describe('the layout of BMSLogEntry (ESP-38 to ESP-43)', () => {
  const row = (more: Partial<VoltRecord> = {}): Record<string, string> => {
    const [names = [], cells = []] = tableOf([{ ...reading, ...more }], { preset: 'bms-log' })
      .split('\n')
      .map((line) => line.split(','));
    assert.equal(cells.length, names.length);
    return Object.fromEntries(names.map((name, index) => [name, cells[index]!]));
  };

  test('one column a member, in the order of the structure', () => {
    const names = bmsLogColumns.map(({ name }) => name);
    const list = (name: string, n: number): string[] => Array.from({ length: n }, (_, i) => `${name}_${i + 1}`);
    assert.deepEqual(names, [
      'timestamp',
      'packVoltage',
      'packCurrent',
      'packSOC',
      'power',
      ...list('temperatures', 16),
      ...list('cellVoltages', 48),
      'balanceState',
      'alarmFlags',
    ]);
  });

  test('the time is a uint32 of seconds (ESP-38)', () => {
    assert.equal(row().timestamp, '1772366400');
    assert.equal(row({ time: '2106-02-07T06:28:15.000Z' }).timestamp, '4294967295');
    assert.equal(row({ time: '2106-02-07T06:28:16.000Z' }).timestamp, '');
  });

  test('voltage, current, charge and power are the fields of the reading (ESP-39)', () => {
    const { packVoltage, packCurrent, packSOC, power } = row();
    assert.deepEqual([packVoltage, packCurrent, packSOC, power], ['13.21', '-4.5', '83', '-59.4']);
  });

  test('16 temperatures and 48 cells have their places (ESP-40, ESP-41)', () => {
    const many = row({
      temperatures: Array.from({ length: 16 }, (_, i) => i),
      cells: Array.from({ length: 48 }, (_, i) => (300 + i) / 100),
    });
    assert.deepEqual([many.temperatures_1, many.temperatures_16], ['0', '15']);
    assert.deepEqual([many.cellVoltages_1, many.cellVoltages_48], ['3', '3.47']);
    assert.deepEqual([row().temperatures_3, row().cellVoltages_5], ['', '']);
  });

  test('balancing is a mask, the lowest bit cell 1; what 32 bits cannot hold is unknown (ESP-42)', () => {
    assert.equal(row().balanceState, '5');
    assert.equal(row({ balancing: [] }).balanceState, '0');
    assert.equal(row({ balancing: [32] }).balanceState, '2147483648');
    assert.equal(row({ balancing: [1, 33] }).balanceState, '');
  });

  test('alarm flags are a uint16; more bits are unknown, never cut (ESP-43)', () => {
    assert.equal(row().alarmFlags, '5');
    assert.equal(row({ alarm_flags: 65_535 }).alarmFlags, '65535');
    assert.equal(row({ alarm_flags: 65_536 }).alarmFlags, '');
  });

  test('and back to a reading', () => {
    const [record] = recordsIn(tableOf([reading], { preset: 'bms-log' }), {
      preset: 'bms-log',
      set: { device_id: 'pack1' },
    });
    assert.deepEqual(record, {
      type: 'battery_reading',
      time: '2026-03-01T12:00:00.000Z',
      device_id: 'pack1',
      voltage: 13.21,
      current: -4.5,
      state_of_charge: 83,
      power: -59.4,
      temperatures: [21.5, 20.9],
      cells: [3.301, 3.299, 3.302, 3.298],
      balancing: [1, 3],
      alarm_flags: 5,
    });
  });
});
