import { be16, be32, requestReader, type SerialDevice } from './device.ts';
import type { Measurement, Pack } from './pack.ts';

/** The three languages of Daly boards. */
export type DalyDialect = 'a5' | 'd2' | 'p81';

/** How the simulated board behaves. */
export interface DalyOptions {
  dialect: DalyDialect;
  /** Number of the board on the bus, from 1. */
  board: number;
  /** Sends all 16 frames of cell voltages, with left-overs in the slots behind the last cell. */
  stale: boolean;
}

const zeroAmps = 30_000;
const tenths = (milli: number): number => Math.round(milli / 100);
const state = ({ current }: Measurement): number => (current === 0 ? 0 : current > 0 ? 1 : 2);
const numbered = (list: readonly number[], pick: (...values: number[]) => number): [value: number, number: number] => {
  const value = pick(...list);
  return [value, list.lastIndexOf(value) + 1];
};
const kelvinless = (celsius: number): number => Math.round(celsius) + 40;

function frame(board: number, command: number, data: readonly number[]): Buffer {
  const bytes = [0xa5, board, command, 8, ...data];
  return Buffer.from([...bytes, bytes.reduce((sum, byte) => sum + byte, 0) & 0xff]);
}

function cellFrames(cells: readonly number[], stale: boolean): number[][] {
  const count = stale ? 16 : Math.ceil(cells.length / 3);
  const slots = stale ? [...cells, cells.at(-2)!, cells.at(-1)!] : cells;
  return Array.from({ length: count }, (_, n) => [
    n + 1,
    ...[0, 1, 2].flatMap((slot) => be16(slots[3 * n + slot] ?? 0)),
    0x40,
  ]);
}

/** Data of each answer of the A5 dialect. Here a current above 30000 is a discharge. */
function a5Answers(pack: Pack, { stale }: DalyOptions): Readonly<Record<number, () => number[][]>> {
  const now = () => pack.measure();
  return {
    144: () => {
      const { voltage, current, soc } = now();
      return [[...be16(tenths(voltage)), 0, 0, ...be16(zeroAmps - tenths(current)), ...be16(Math.round(soc * 10))]];
    },
    145: () => {
      const { cells } = now();
      const [max, maxNumber] = numbered(cells, Math.max);
      const [min, minNumber] = numbered(cells, Math.min);
      return [[...be16(max), maxNumber, ...be16(min), minNumber, 3, 0x2a]];
    },
    146: () => {
      const [max, maxNumber] = numbered(now().temperatures, Math.max);
      const [min, minNumber] = numbered(now().temperatures, Math.min);
      return [[kelvinless(max), maxNumber, kelvinless(min), minNumber, 0, 0, 3, 0x2a]];
    },
    147: () => {
      const measured = now();
      return [[state(measured), pack.charge ? 1 : 0, pack.discharge ? 1 : 0, 0x65, ...be32(measured.remaining)]];
    },
    148: () => {
      const { cells, temperatures, cycles } = now();
      return [[cells.length, temperatures.length, 0, 0, 2, ...be16(cycles), 0x40]];
    },
    149: () => cellFrames(now().cells, stale),
    150: () => [
      [
        1,
        ...Array.from({ length: 7 }, (_, n) =>
          now().temperatures[n] === undefined ? 0 : kelvinless(now().temperatures[n]!),
        ),
      ],
    ],
    151: () => {
      const bits = now().balancing.reduce((mask, number) => mask + 2 ** (number - 1), 0);
      return [[0, 1, 2, 3, 4, 5].map((byte) => Math.floor(bits / 256 ** byte) & 0xff).concat(0, 0)];
    },
    152: () => [[0, 0, 0, 0, 0, 0, 0, 0]],
    80: () => [[...be32(now().capacity), ...be32(3200)]],
    98: () => textFrames('SIM_A5_R1'),
    99: () => textFrames('DL-BMS-SIM'),
  };
}

const textFrames = (text: string): number[][] =>
  Array.from({ length: Math.ceil(text.length / 7) }, (_, n) => [
    n + 1,
    ...Buffer.from(text.slice(7 * n, 7 * n + 7).padEnd(7, '\0')),
  ]);

function a5Device(pack: Pack, options: DalyOptions): SerialDevice {
  const answers = a5Answers(pack, options);
  return requestReader(
    (bytes, at) => (bytes[at] === 0xa5 ? 13 : 0),
    (request) => {
      const [, address = 0, command = 0, , first] = request;
      const forUs = address === 0x40 + options.board - 1 || (options.board === 1 && address === 0x80);
      const sum = request.subarray(0, 12).reduce((total, byte) => total + byte, 0) & 0xff;
      if (!forUs || sum !== request[12]) return [];
      if (command === 0xd9) pack.discharge = first === 1;
      if (command === 0xda) pack.charge = first === 1;
      if (command === 0xd9 || command === 0xda) return [frame(options.board, command, [first!, 0, 0, 0, 0, 0, 0, 0])];
      return (answers[command]?.() ?? []).map((data) => frame(options.board, command, data));
    },
  );
}

function crc16(bytes: readonly number[]): number[] {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  }
  return [crc & 0xff, crc >> 8];
}

const modbus = (bytes: readonly number[]): Buffer => Buffer.from([...bytes, ...crc16(bytes)]);

const put = (map: Map<number, number>, from: number, values: readonly number[]): void => {
  for (const [n, value] of values.entries()) map.set(from + n, value);
};

/** Registers 00–3D of the D2 dialect and of its versions. */
function d2Registers(pack: Pack): Map<number, number> {
  const now = pack.measure();
  const { cells, temperatures } = now;
  const map = new Map<number, number>(cells.map((mv, n) => [n, mv]));
  put(map, 0x20, temperatures.map(kelvinless));
  const [max] = numbered(cells, Math.max);
  const [min] = numbered(cells, Math.min);
  const status = [tenths(now.voltage), zeroAmps + tenths(now.current), Math.round(now.soc * 10), max, min];
  const rest = [kelvinless(Math.max(...temperatures)), kelvinless(Math.min(...temperatures)), state(now)];
  const counts = [
    tenths(now.remaining),
    cells.length,
    temperatures.length,
    now.cycles,
    now.balancing.length > 0 ? 1 : 0,
  ];
  const switches = [pack.charge ? 1 : 0, pack.discharge ? 1 : 0, Math.round(now.voltage / cells.length), max - min];
  const power = Math.abs(Math.round((now.voltage * now.current) / 1e6));
  put(map, 0x28, [...status, ...rest, ...counts, ...switches, power]);
  put(map, 0xa9, words('SIM_D2_R1'));
  put(map, 0xb1, words('SIM-HW'));
  put(map, 0xb9, words('20240315'));
  return map;
}

/** Registers 00–7F of the P81 dialect and of its versions. */
function p81Registers(pack: Pack): Map<number, number> {
  const now = pack.measure();
  const { cells, temperatures } = now;
  const map = new Map<number, number>(cells.map((mv, n) => [n, mv]));
  for (let n = 0; n < 8; n++) map.set(0x30 + n, temperatures[n] === undefined ? 255 : kelvinless(temperatures[n]!));
  const [max, maxNumber] = numbered(cells, Math.max);
  const [min, minNumber] = numbered(cells, Math.min);
  const [hot, hotNumber] = numbered(temperatures, Math.max);
  const [cold, coldNumber] = numbered(temperatures, Math.min);
  const status = [tenths(now.voltage), zeroAmps + tenths(now.current), Math.round(now.soc * 10), 0xb6];
  const counts = [cells.length, temperatures.length, max, maxNumber, min, minNumber, max - min];
  const thermal = [kelvinless(hot), hotNumber, kelvinless(cold), coldNumber, 0, state(now), 0, 0];
  const rest = [tenths(now.remaining), now.cycles, now.balancing.length > 0 ? 1 : 0, 0, 0, 0, 0];
  put(map, 0x38, [...status, ...counts, ...thermal, ...rest, pack.charge ? 1 : 0, pack.discharge ? 1 : 0]);
  put(map, 0x178, words('SIM_P81_R1'));
  put(map, 0x178 + 14, words('SIM-P81-HW'));
  return map;
}

/** Text as registers of two characters. */
const words = (text: string): number[] =>
  Array.from(
    { length: Math.ceil(text.length / 2) },
    (_, n) => (text.charCodeAt(2 * n) << 8) | (text.charCodeAt(2 * n + 1) || 0),
  );

function modbusDevice(
  asked: number,
  answering: number,
  registers: () => Map<number, number>,
  write: (at: number, value: number) => void,
) {
  return requestReader(
    (bytes, at) => (bytes[at] === asked ? 8 : 0),
    (request) => {
      const [, code, high = 0, low = 0, countHigh = 0, count = 0] = request;
      const body = [...request.subarray(0, 6)];
      if (Buffer.compare(modbus(body), request) !== 0) return [];
      const at = (high << 8) | low;
      if (code === 6) {
        write(at, (countHigh << 8) | count);
        return [Buffer.from(request)];
      }
      const map = registers();
      const data = Array.from({ length: (countHigh << 8) | count }, (_, n) => be16(map.get(at + n) ?? 0)).flat();
      return [modbus([answering, 3, data.length, ...data])];
    },
  );
}

/** A Daly board on a serial line. */
export function dalyDevice(pack: Pack, options: DalyOptions): SerialDevice {
  if (options.dialect === 'a5') return a5Device(pack, options);
  if (options.dialect === 'p81') {
    const { board } = options;
    return modbusDevice(
      0x80 + board,
      0x50 + board,
      () => p81Registers(pack),
      () => {},
    );
  }
  return modbusDevice(
    0xd2,
    0xd2,
    () => d2Registers(pack),
    (at, value) => {
      if (at === 0xa5) pack.charge = value === 1;
      if (at === 0xa6) pack.discharge = value === 1;
    },
  );
}
