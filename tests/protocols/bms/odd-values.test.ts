import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CodecOptions, type Frame, isRejection, type Reading } from '../../../src/protocols/bms/codec.ts';
import { codecs } from '../../../src/protocols/bms/index.ts';

const codecOf = (name: string) => codecs.find((codec) => codec.name === name)!;

const be16 = (value: number): number[] => [(value >> 8) & 0xff, value & 0xff];

function decoded(
  name: string,
  frames: readonly (Partial<Frame> & { data: Uint8Array })[],
  options: CodecOptions = {},
): Reading {
  const list = frames.map((frame) => ({ code: 3, status: 0, bytes: frame.data, ...frame }));
  const reading = codecOf(name).reading.decode(list, options);
  assert.ok(!isRejection(reading), JSON.stringify(reading));
  return reading;
}

/** Basic information of a JBD, with what a test wants to be odd. */
function jbdBasic(
  odd: {
    voltage?: number;
    current?: number;
    switches?: number;
    soc?: number;
    cells?: number;
    sensors?: number[];
    more?: number[];
  } = {},
) {
  const { voltage = 1320, current = 150, switches = 3, soc = 80, cells = 4, sensors = [20], more = [] } = odd;
  return Uint8Array.from([
    ...be16(voltage),
    ...be16(current & 0xffff),
    ...be16(2000),
    ...be16(2800),
    ...be16(7),
    ...be16(0x2c7c),
    ...[0, 0, 0, 0, 0, 0, 0x44, soc, switches, cells, sensors.length],
    ...sensors.flatMap((celsius) => be16(Math.round(celsius * 10) + 2731)),
    ...more,
  ]);
}

test('jbd: with bit 7 of the switches, currents and capacities are in steps ten times as large', () => {
  const { fields } = decoded('jbd', [{ data: jbdBasic({ current: -150, switches: 0x83 }) }]);
  assert.equal(fields.current, -15);
  assert.equal(fields.remaining_ah, 200);
  assert.equal(fields.nominal_ah, 280);
  assert.equal(decoded('jbd', [{ data: jbdBasic({ current: -150 }) }]).fields.current, -1.5);
});

test('jbd: a state of charge above 100 % is left out and said', () => {
  const { fields, remarks } = decoded('jbd', [{ data: jbdBasic({ soc: 200 }) }]);
  assert.ok(!('state_of_charge' in fields));
  assert.match(remarks!.join(), /state of charge reads 200 %/);
});

test('jbd: a pack of 5 V a cell is none, by the larger number of cells that it tells', () => {
  const told = (odd: Parameters<typeof jbdBasic>[0], more: Parameters<typeof decoded>[1] = []) =>
    decoded('jbd', [{ data: jbdBasic(odd) }, ...more]);
  assert.equal(told({ voltage: 1999 }).fields.voltage, 19.99);
  const { fields, remarks } = told({ voltage: 2000 });
  assert.ok(!('voltage' in fields) && !('power' in fields));
  assert.equal(fields.current, 1.5);
  assert.deepEqual(remarks, ['the voltage reads 20 V with 4 cells: left out']);
  const list = { code: 4, data: Uint8Array.from(Array.from({ length: 16 }, () => be16(3300)).flat()) };
  assert.equal(told({ voltage: 5280 }, [list]).fields.voltage, 52.8);
  assert.equal(told({ voltage: 15_999, cells: 0 }).fields.voltage, 159.99);
  assert.deepEqual(told({ voltage: 16_000, cells: 0 }).remarks, ['the voltage reads 160 V: left out']);
});

test('jbd: a current at the end of its scale, or of 2500 A, is left out and said, the power with it', () => {
  const current = (raw: number, switches = 3) => {
    const { fields, remarks } = decoded('jbd', [{ data: jbdBasic({ current: raw, switches }) }]);
    assert.equal('power' in fields, 'current' in fields);
    assert.equal(fields.voltage, 13.2);
    assert.deepEqual(
      (remarks ?? []).map((text) => text.replace(/-?[\d.]+/, 'N')),
      'current' in fields ? [] : ['the current reads N A: left out'],
    );
    return fields.current;
  };
  assert.deepEqual(
    [32_766, -32_766].map((raw) => current(raw)),
    [327.66, -327.66],
  );
  assert.deepEqual(
    [0x7fff, -0x7fff, -0x8000].map((raw) => current(raw)),
    [undefined, undefined, undefined],
  );
  assert.deepEqual(
    [24_999, -24_999].map((raw) => current(raw, 0x83)),
    [2499.9, -2499.9],
  );
  assert.deepEqual(
    [25_000, 0x7fff, -0x8000].map((raw) => current(raw, 0x83)),
    [undefined, undefined, undefined],
  );
});

test('jbd: a cell of 5 V or more is none, and the list is left out', () => {
  const cells = Uint8Array.from([3300, 0xffff, 3305, 5000].flatMap(be16));
  const { fields, remarks } = decoded('jbd', [{ data: jbdBasic() }, { code: 4, data: cells }]);
  assert.ok(!('cells' in fields));
  assert.equal(fields.cell_max, 3.305);
  assert.deepEqual(remarks, ['cell 2 reads 65.535 V: left out', 'cell 4 reads 5 V: its sense wire is open']);
});

test('jbd: no sensor at all is no temperature', () => {
  const { fields, remarks } = decoded('jbd', [{ data: jbdBasic({ sensors: [] }) }]);
  assert.ok(!('temperature' in fields) && !('temperatures' in fields));
  assert.equal(remarks, undefined);
});

test('jbd: bytes behind the sensors are an extension from nine on', () => {
  const extension = [0, ...be16(0), ...be16(27_000), ...be16(2000), ...be16(0)];
  assert.equal(decoded('jbd', [{ data: jbdBasic({ more: extension }) }]).fields.full_ah, 270);
  assert.ok(!('full_ah' in decoded('jbd', [{ data: jbdBasic({ more: extension.slice(1) }) }]).fields));
});

test('jbd: a list that has not as many cells as the board says is left out and said', () => {
  const cells = Uint8Array.from([3300, 3310, 3305].flatMap(be16));
  const { fields, remarks } = decoded('jbd', [{ data: jbdBasic() }, { code: 4, data: cells }]);
  assert.ok(!('cells' in fields));
  assert.equal(fields.cell_count, 4);
  assert.match(remarks!.join(), /it says 4 cells and lists 3/);
});

test('jbd: a cell of 0 mV is shown, since the board measured it', () => {
  const cells = Uint8Array.from([3300, 0, 3305, 3300].flatMap(be16));
  const { fields } = decoded('jbd', [{ data: jbdBasic() }, { code: 4, data: cells }]);
  assert.deepEqual(fields.cells, [3.3, 0, 3.305, 3.3]);
  assert.equal(fields.cell_min_number, 2);
});

test('jbd: an answer that is too short for its sensors is rejected by name', () => {
  const data = jbdBasic({ sensors: [20, 21] }).slice(0, 25);
  const reading = codecOf('jbd').reading.decode([{ code: 3, status: 0, data, bytes: data }], {});
  assert.ok(isRejection(reading));
  assert.equal(reading.rejected, 'too short');
  assert.match(reading.detail!, /has 25 bytes, 27 are needed/);
});

/** Frames of a Daly A5 with so many cells. */
function a5(cells: readonly number[], odd: Record<number, number[][]> = {}): { code: number; data: Uint8Array }[] {
  const count = Math.ceil(cells.length / 3);
  const lists = Array.from({ length: count }, (_, n) => [
    n + 1,
    ...cells.slice(3 * n, 3 * n + 3).flatMap(be16),
    0,
    0,
    0,
    0,
    0,
    0,
  ]);
  const answers: Record<number, number[][]> = {
    144: [[...be16(265), 0, 0, ...be16(30_000), ...be16(810)]],
    145: [[...be16(3399), 2, ...be16(3101), 5, 0, 0]],
    148: [[cells.length, 1, 0, 0, 0, 0, 9, 0]],
    149: lists,
    150: [[1, 61, 0, 0, 0, 0, 0, 0]],
    ...odd,
  };
  return Object.entries(answers).flatMap(([code, frames]) =>
    frames.map((data) => ({ code: Number(code), data: Uint8Array.from(data.slice(0, 8)) })),
  );
}

test('daly: a cell of 5 V is an open sense wire: said, and the list is left out', () => {
  const { fields, remarks } = decoded('daly-a5', a5([3300, 5000, 3310, 3290]));
  assert.ok(!('cells' in fields));
  assert.match(remarks!.join(), /cell 2 reads 5 V: its sense wire is open/);
  assert.equal(fields.cell_count, 4);
});

test('daly: of a list with a gap the board says lowest and highest itself', () => {
  const whole = a5([3300, 3310, 3305, 3290, 3301, 3302, 3303]);
  const gap = whole.filter(({ code, data }) => code !== 149 || data[0] !== 2);
  const { fields } = decoded('daly-a5', gap);
  assert.ok(!('cells' in fields));
  assert.deepEqual(
    [fields.cell_max, fields.cell_max_number, fields.cell_min, fields.cell_min_number],
    [3.399, 2, 3.101, 5],
  );
  assert.deepEqual(decoded('daly-a5', whole).fields.cell_min_number, 4);
});

test('daly: a highest or lowest cell of 5 V or more is none, whoever says it', () => {
  const extremes = (high: number, low: number) => ({ 145: [[...be16(high), 2, ...be16(low), 5, 0, 0]], 149: [] });
  const keys = ['cell_max', 'cell_max_number', 'cell_min', 'cell_min_number', 'cell_delta'] as const;
  const said = (frames: Parameters<typeof decoded>[1]) => {
    const { fields } = decoded('daly-a5', frames);
    return keys.map((key) => fields[key]);
  };
  assert.deepEqual(said(a5([3300, 3310], extremes(3399, 3101))), [3.399, 2, 3.101, 5, 0.298]);
  assert.deepEqual(said(a5([3300, 3310], extremes(5000, 3101))), [undefined, undefined, 3.101, 5, undefined]);
  assert.deepEqual(said(a5([3300, 3310], extremes(0xffff, 0xffff))), [
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  // A list without gaps knows better than a board that takes the open wire for its highest cell.
  const open = a5([3300, 5000, 3310], { 145: [[...be16(5000), 2, ...be16(3300), 1, 0, 0]] });
  assert.deepEqual(said(open), [3.31, 3, 3.3, 1, 0.01]);
});

/** A board of four cells of each of Daly's dialects, with these raw values of voltage, current and state of charge. */
const dalyBoards: Record<string, (volts: number, amps: number, soc: number) => Parameters<typeof decoded>[1]> = {
  'daly-a5': (volts, amps, soc) =>
    a5([3300, 3310, 3305, 3290], { 144: [[...be16(volts), 0, 0, ...be16(amps), ...be16(soc)]] }),
  'daly-d2': (volts, amps, soc) => registers(0x3e, { 40: volts, 41: amps, 42: soc, 49: 4 }),
  'daly-p81': (volts, amps, soc) => registers(0x40, { 56: volts, 57: amps, 58: soc, 60: 4 }),
};

function registers(count: number, values: Readonly<Record<number, number>>) {
  const data = new Uint8Array(2 * count);
  for (const [at, value] of Object.entries(values)) data.set(be16(value), 2 * Number(at));
  return [{ code: 3, data }];
}

for (const [name, board] of Object.entries(dalyBoards)) {
  test(`${name}: a voltage, a current and a charge that no battery has are left out and said`, () => {
    const told = (...raw: Parameters<typeof board>) => {
      const { fields, remarks = [] } = decoded(name, board(...raw));
      const { voltage, current, power, state_of_charge: charge } = fields;
      return { values: [voltage, current && Math.abs(current), power && Math.abs(power), charge], remarks };
    };
    assert.deepEqual(told(132, 54_999, 1000), { values: [13.2, 2499.9, 32_998.68, 100], remarks: [] });
    assert.deepEqual(told(199, 5001, 810).values.slice(0, 2), [19.9, 2499.9]);
    assert.deepEqual(told(200, 30_000, 810), {
      values: [undefined, 0, undefined, 81],
      remarks: ['the voltage reads 20 V with 4 cells: left out'],
    });
    for (const raw of [0, 5000, 55_000, 65_535]) {
      const { values, remarks } = told(132, raw, 810);
      assert.deepEqual(values, [13.2, undefined, undefined, 81]);
      assert.match(remarks.join(), /^the current reads -?[\d.]+ A: left out$/);
    }
    assert.deepEqual(told(132, 30_000, 0xffff).remarks, ['the state of charge reads 6553.5 %: left out']);
  });
}

test('daly: of a board that does not tell its cells a pack has at most 48', () => {
  const alone = (volts: number) =>
    decoded('daly-a5', [{ code: 144, data: Uint8Array.from([...be16(volts), 0, 0, ...be16(30_000), ...be16(810)]) }]);
  assert.equal(alone(2399).fields.voltage, 239.9);
  assert.deepEqual(alone(2400).remarks, ['the voltage reads 240 V: left out']);
});

test('daly: frame number 255 is invalid and changes nothing', () => {
  const frames = [...a5([3300, 3310, 3305]), { code: 149, data: Uint8Array.from([255, 1, 2, 3, 4, 5, 6, 7]) }];
  assert.deepEqual(decoded('daly-a5', frames).fields.cells, [3.3, 3.31, 3.305]);
});

test('daly: impossible numbers of cells are rejected by name', () => {
  for (const [name, registers, at] of [
    ['daly-d2', 0x3e, 0x31],
    ['daly-p81', 0x40, 0x3c],
  ] as const) {
    const data = new Uint8Array(2 * registers);
    data[2 * at] = 0xff;
    const reading = codecOf(name).reading.decode([{ code: 3, data, bytes: data }], {});
    assert.ok(isRejection(reading), name);
    assert.equal(reading.rejected, 'range');
  }
});

test('daly: a board of 0 A has no minus, also when it is turned', () => {
  assert.ok(Object.is(decoded('daly-a5', a5([3300]), { invertCurrent: true }).fields.current, 0));
  assert.ok(Object.is(decoded('jbd', [{ data: jbdBasic({ current: 0 }) }], { invertCurrent: true }).fields.current, 0));
});
