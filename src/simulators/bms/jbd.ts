import { be16, requestReader, type SerialDevice } from './device.ts';
import type { Pack } from './pack.ts';

const name = 'JBD-SP16S-SIM';
const limited = (value: number): number => Math.min(0xffff, Math.max(0, Math.round(value)));

/** 16 bits with a sign; what lies beyond its ends at the end. */
const signed = (value: number): number => Math.min(0x7fff, Math.max(-0x8000, Math.round(value))) & 0xffff;

function answer(register: number, data: readonly number[], status = 0): Buffer {
  const covered = [status, data.length, ...data];
  const check = (0x10000 - covered.reduce((sum, byte) => sum + byte, 0)) & 0xffff;
  return Buffer.from([0xdd, register, ...covered, ...be16(check), 0x77]);
}

function basic(pack: Pack): number[] {
  const { voltage, current, remaining, capacity, cycles, soc, cells, temperatures, balancing } = pack.measure();
  const mask = balancing.reduce((bits, number) => bits + 2 ** (number - 1), 0);
  return [
    ...be16(limited(voltage / 10)),
    ...be16(signed(current / 10)),
    ...be16(limited(remaining / 10)),
    ...be16(limited(capacity / 10)),
    ...be16(cycles),
    ...be16((24 << 9) | (3 << 5) | 15),
    ...be16(mask & 0xffff),
    ...be16(Math.floor(mask / 0x10000)),
    ...be16(pack.locked ? 1 << 12 : 0),
    0x44,
    Math.round(soc),
    (pack.charge ? 1 : 0) | (pack.discharge ? 2 : 0),
    cells.length,
    temperatures.length,
    ...temperatures.flatMap((celsius) => be16(Math.round(celsius * 10) + 2731)),
  ];
}

/** A JBD board on a serial line: registers 03, 04, 05, AA and the switches E1, which work without factory mode. */
export function jbdDevice(pack: Pack): SerialDevice {
  const read: Readonly<Record<number, () => number[]>> = {
    3: () => basic(pack),
    4: () => pack.measure().cells.flatMap(be16),
    5: () => [...Buffer.from(name)],
    170: () => [0, 0, 0, 3, 0, 1, 0, 0, 0, 0].flatMap((n) => be16(n)).concat(be16(0), be16(1)),
  };
  const respond = (request: Uint8Array): Buffer[] => {
    const [, kind, register = 0, length = 0, , second = 0] = request;
    const sum = request.subarray(2, 4 + length).reduce((total, byte) => total + byte, 0);
    const check = (request[4 + length]! << 8) | request[5 + length]!;
    if (((sum + check) & 0xffff) !== 0) return [answer(register, [], 0x82)];
    if (kind === 0xa5) return [read[register] ? answer(register, read[register]()) : answer(register, [], 0x80)];
    if (register !== 0xe1) return [answer(register, [], 0x81)];
    pack.charge = (second & 1) === 0;
    pack.discharge = (second & 2) === 0;
    pack.locked = second !== 0;
    return [answer(register, [])];
  };
  return requestReader((bytes, at) => {
    if (bytes[at] !== 0xdd) return 0;
    const kind = bytes[at + 1];
    if (kind !== undefined && kind !== 0xa5 && kind !== 0x5a) return 0;
    return bytes[at + 3] === undefined ? undefined : bytes[at + 3]! + 7;
  }, respond);
}
