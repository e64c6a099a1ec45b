import { d2Registers, modbusDevice, p81Registers } from './daly-modbus.ts';
import { amps, kelvinless, numbered, state, tenths } from './daly-scales.ts';
import { be16, be32, requestReader, type SerialDevice } from './device.ts';
import type { Pack } from './pack.ts';

/** The three languages of Daly boards. */
export type DalyDialect = 'a5' | 'd2' | 'p81';

/** How the simulated board behaves. */
export interface DalyOptions {
  dialect: DalyDialect;
  /** Number of the board on the bus, from 1. */
  board: number;
  /** Sends all 16 frames of cell voltages, with left-overs in the slots behind the last cell. */
  stale: boolean;
  /** A5: answers to this address of those who ask alone (0x40 a computer, 0x80 a Bluetooth module); absent: to both. */
  host?: number | undefined;
  /** A5: answers alone to questions whose unused bytes hold this. */
  fill?: number | undefined;
}

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
      return [[...be16(tenths(voltage)), 0, 0, ...be16(amps(-current)), ...be16(Math.round(soc * 10))]];
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
  const { board, host, fill } = options;
  const isForUs = (address: number): boolean =>
    host === undefined
      ? address === 0x40 + board - 1 || (board === 1 && address === 0x80)
      : address === host + board - 1;
  return requestReader(
    (bytes, at) => (bytes[at] === 0xa5 ? 13 : 0),
    (request) => {
      const [, address = 0, command = 0, , first] = request;
      const sum = request.subarray(0, 12).reduce((total, byte) => total + byte, 0) & 0xff;
      if (!isForUs(address) || sum !== request[12]) return [];
      if (command === 0xd9) pack.discharge = first === 1;
      if (command === 0xda) pack.charge = first === 1;
      if (command === 0xd9 || command === 0xda) return [frame(board, command, [first!, 0, 0, 0, 0, 0, 0, 0])];
      if (fill !== undefined && request.subarray(4, 12).some((byte) => byte !== fill)) return [];
      return (answers[command]?.() ?? []).map((data) => frame(board, command, data));
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
