/*
 * Daly boards, the older dialect, over UART, RS485 and old Bluetooth dongles.
 *
 *   A5 address command 08 data(8) sum      sum: low byte of the sum of the first 12 bytes
 *
 * Requests carry 40 + board − 1 (a computer) or 80 (Bluetooth), answers the number of the board. Unused bytes of a request are filled
 * with AA, whose edges its receiver likes; unused bytes of an answer are left-overs of the one before and mean nothing.
 *
 *   90  voltage u16 0.1 V · – · current (u16 − 30000) 0.1 A, above 30000 DISCHARGING · state of charge u16 0.1 %
 *   91  highest mV u16, number · lowest mV u16, number             92  highest − 40 °C, number · lowest, number
 *   93  state 0 idle 1 charging 2 discharging · charge switch · discharge switch · heartbeat · remaining mAh u32
 *   94  cells · sensors · charger · load · DI/DO · cycles u16      97  balancing, 48 bits, lowest first
 *   95  frame number from 1 · 3 × mV u16, as many frames as needed or always 16; slots behind the last cell are stale
 *   96  frame number from 1 · 7 × (− 40 °C); an unused slot is 00 or FF      98  faults, see daly-faults.ts
 *   50  rated mAh u32 · cell mV u32     53  date of manufacture at 2–4     57 code, 62 software, 63 hardware: number, 7 characters
 *
 * Sentinels: −40 °C is a missing sensor, 5000 mV an open sense wire.
 * Rejections: noise, checksum, length, cut, request (an echo, whose sum is right, or another master's).
 * Sources: Daly UART protocol V1.0 and V1.2; frames of tests/vectors/bms/daly-a5.ndjson.
 */
import { boardCell, boardCells, type Odd } from './board-values.ts';
import type { Codec, CodecOptions, Frame, Reading, Rejection, Request } from './codec.ts';
import { a5Framing, a5Request, ask, latest, numbered } from './daly-a5-frames.ts';
import { a5Info } from './daly-a5-info.ts';
import { dalyFaults, dalyFlags } from './daly-faults.ts';
import { dalyStates, dalyTemperature, dalyTemperatures, dalyWhole } from './daly-values.ts';
import { type BatteryFields, bitNumbers } from './fields.ts';
import { streamParser, u16 } from './framing.ts';

const bluetoothHost = 0x80;
const cellsPerFrame = 3;
const sensorsPerFrame = 7;
const mostCells = 48;
const optional = { optional: true };

function* requests(options: CodecOptions): Generator<Request, void, readonly Frame[]> {
  const [counts] = yield ask('numbers of cells and sensors', 0x94, options);
  const cells = counts?.data[0] ?? 0;
  const sensors = counts?.data[1] ?? 0;
  yield ask('voltage and current', 0x90, options);
  yield ask('switches and state', 0x93, options, optional);
  yield ask('highest and lowest cell', 0x91, options, optional);
  yield ask('highest and lowest temperature', 0x92, options, optional);
  if (cells > 0 && cells <= mostCells) {
    yield ask('cell voltages', 0x95, options, { ...optional, complete: numbered(Math.ceil(cells / cellsPerFrame)) });
  }
  if (sensors > 0 && sensors <= 16) {
    yield ask('temperatures', 0x96, options, { ...optional, complete: numbered(Math.ceil(sensors / sensorsPerFrame)) });
  }
  yield ask('balancing', 0x97, options, optional);
  yield ask('faults', 0x98, options, optional);
}

/** The values of numbered frames, `each` a frame: undefined where a frame is missing. Number 255 is invalid. */
function slots(
  frames: readonly Frame[],
  command: number,
  each: number,
  count: number,
  read: (data: Uint8Array, slot: number) => number,
) {
  const values = new Array<number | undefined>(count).fill(undefined);
  for (const { code, data } of frames) {
    if (code !== command || data.length !== 8 || data[0] === 0 || data[0] === 255) continue;
    for (let slot = 0; slot < each; slot++) {
      const at = (data[0]! - 1) * each + slot;
      if (at < count) values[at] = read(data, slot);
    }
  }
  return values;
}

function decode(frames: readonly Frame[], options: CodecOptions): Reading | Rejection {
  const basic = latest(frames, 0x90);
  const counts = latest(frames, 0x94);
  const status = latest(frames, 0x93);
  if (!basic && !counts && !status) return { rejected: 'too short', detail: 'neither voltage nor state' };
  const whole = basic && basicFields(basic, counts?.[0] ?? 0, options);
  const remarks: string[] = [...(whole?.remarks ?? [])];
  const fields: BatteryFields = {
    ...extremes(frames),
    ...whole?.fields,
    ...(status && statusFields(status)),
    ...(counts && { cell_count: counts[0]!, cycles: u16(counts, 5) }),
  };
  if (counts && counts[0]! <= mostCells) {
    const list = slots(frames, 0x95, 3, counts[0]!, (data, slot) => u16(data, 1 + 2 * slot));
    const { fields: cells, remarks: odd } = boardCells(list);
    // Of an incomplete list the lowest of those known is not the lowest: the board's own figures are better.
    const isWhole = !list.includes(undefined);
    if (isWhole || (fields.cell_min === undefined && fields.cell_max === undefined)) Object.assign(fields, cells);
    remarks.push(...odd);
  }
  if (counts && counts[1]! <= 16 && latest(frames, 0x96)) {
    const { fields: sensors, remarks: odd } = dalyTemperatures(
      slots(frames, 0x96, 7, counts[1]!, (data, slot) => data[1 + slot]!),
    );
    Object.assign(fields, sensors);
    remarks.push(...odd);
  }
  const balance = latest(frames, 0x97);
  if (balance) fields.balancing = balancing(balance);
  const faults = latest(frames, 0x98);
  if (faults) {
    fields.alarms = dalyFaults(faults);
    const flags = dalyFlags(faults);
    if (flags !== undefined) fields.alarm_flags = flags;
  }
  const { current = 0, state } = fields;
  if ((state === 'charging' && current < -0.5) || (state === 'discharging' && current > 0.5)) {
    remarks.push(`it says ${state} at ${current} A: firmware with the other sign? --invert-current`);
  }
  return { fields, ...(remarks.length > 0 && { remarks }) };
}

function basicFields(data: Uint8Array, cells: number, options: CodecOptions): Odd {
  // Above 30000 is a discharge here, the other way round than in the other two dialects.
  const current = 60_000 - u16(data, 4);
  return dalyWhole([u16(data, 0), current, u16(data, 6)], cells, mostCells, options);
}

function statusFields(data: Uint8Array): BatteryFields {
  const state = dalyStates[data[0]!];
  return {
    ...(state && { state }),
    charge_enabled: data[1] === 1,
    discharge_enabled: data[2] === 1,
    remaining_ah: (u16(data, 4) * 0x10000 + u16(data, 6)) / 1000,
  };
}

/** Highest and lowest as the board says, for when the lists are not there. */
function extremes(frames: readonly Frame[]): BatteryFields {
  const cells = latest(frames, 0x91);
  const sensors = latest(frames, 0x92);
  const highest = cells && boardCell(u16(cells, 0));
  const lowest = cells && boardCell(u16(cells, 3));
  const hottest = dalyTemperature(sensors?.[0]);
  const coldest = dalyTemperature(sensors?.[2]);
  return {
    ...(highest !== undefined && { cell_max: highest / 1000, cell_max_number: cells![2]! }),
    ...(lowest !== undefined && { cell_min: lowest / 1000, cell_min_number: cells![5]! }),
    ...(highest !== undefined && lowest !== undefined && { cell_delta: (highest - lowest) / 1000 }),
    ...(hottest !== undefined && { temp_max: hottest }),
    ...(coldest !== undefined && { temp_min: coldest }),
  };
}

const balancing = (data: Uint8Array): number[] =>
  [0, 1, 2, 3, 4, 5].flatMap((byte) => bitNumbers(data[byte]!, 1 + 8 * byte));

/** Daly's A5 dialect. */
export const codec: Codec = {
  name: 'daly-a5',
  family: 'daly',
  summary: 'Daly, 13-byte frames: most boards on a wire, old Bluetooth dongles',
  parser: () => streamParser(a5Framing),
  reading: { requests, decode },
  info: a5Info,
  probes(options) {
    const question = (more: CodecOptions) => ({
      request: ask('voltage and current', 0x90, { ...options, ...more }),
      options: more,
    });
    const first = [question({}), question({ fill: 0 })];
    if ((options.board ?? 1) > 1) return first;
    const late = (more: CodecOptions) => ({ ...question(more), late: true as const });
    const both = late({ host: bluetoothHost, fill: 0 });
    // Behind a Bluetooth module there is one board, not a bus of them.
    const isBus = options.board === undefined && options.address === undefined;
    const boards = isBus ? Array.from({ length: 15 }, (_, n) => late({ board: n + 2 })) : [];
    return [...first, question({ host: bluetoothHost }), both, ...boards];
  },
  switching: (change, _now, options) =>
    (
      [
        ['discharge', 0xd9],
        ['charge', 0xda],
      ] as const
    ).flatMap(([which, command]) => {
      const on = change[which];
      if (on === undefined) return [];
      return [
        ask(`${which} switch`, command, options, {
          bytes: a5Request(command, { ...options, fill: 0 }, on ? 1 : 0),
          writes: true,
        }),
      ];
    }),
  whenSilent: () => 'A sleeping one wakes by its button or a load. --type daly tries the other dialects too.',
  timing: { response: 500, gap: 20, torn: 200 },
  serial: { baudRate: 9600, dataBits: 8, parity: 'none', stopBits: 1 },
  // Old dongles want an empty write first.
  gatt: [{ service: 'fff0', notify: 'fff1', write: 'fff2', writeType: 'as-offered', wake: new Uint8Array(0) }],
};
