import { amps, kelvinless, numbered, state, tenths } from './daly-scales.ts';
import { be16, requestReader } from './device.ts';
import type { Pack } from './pack.ts';

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
export function d2Registers(pack: Pack): Map<number, number> {
  const now = pack.measure();
  const { cells, temperatures } = now;
  const map = new Map<number, number>(cells.map((mv, n) => [n, mv]));
  put(map, 0x20, temperatures.map(kelvinless));
  const [max] = numbered(cells, Math.max);
  const [min] = numbered(cells, Math.min);
  const status = [tenths(now.voltage), amps(now.current), Math.round(now.soc * 10), max, min];
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
export function p81Registers(pack: Pack): Map<number, number> {
  const now = pack.measure();
  const { cells, temperatures } = now;
  const map = new Map<number, number>(cells.map((mv, n) => [n, mv]));
  for (let n = 0; n < 8; n++) map.set(0x30 + n, temperatures[n] === undefined ? 255 : kelvinless(temperatures[n]!));
  const [max, maxNumber] = numbered(cells, Math.max);
  const [min, minNumber] = numbered(cells, Math.min);
  const [hot, hotNumber] = numbered(temperatures, Math.max);
  const [cold, coldNumber] = numbered(temperatures, Math.min);
  const status = [tenths(now.voltage), amps(now.current), Math.round(now.soc * 10), 0xb6];
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

/** A device that answers Modbus requests to `asked` from its registers. */
export function modbusDevice(
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
