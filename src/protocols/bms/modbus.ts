import type { Request } from './codec.ts';
import { type Cut, type Framing, hex, u16 } from './framing.ts';

/*
 * The Modbus RTU dialects of Daly: reading is function 03, writing one register 06.
 *
 *   request  address 03 register(2) count(2) crc(2)       answer  address 03 bytes data… crc(2)
 *   request  address 06 register(2) value(2) crc(2)       answer  the same bytes
 *
 * CRC-16/MODBUS (start FFFF, polynomial A001), low byte first. The length byte rules, not the count that was asked for: some
 * firmware answers 62 registers with 80.
 */

const read = 0x03;
const write = 0x06;
const requestSize = 8;

/** The remainder of each byte. */
const table = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  return crc;
});

/** The CRC-16/MODBUS of the bytes from `from` to before `to`. */
export function crc16(bytes: Uint8Array, from: number, to: number): number {
  let crc = 0xffff;
  for (let i = from; i < to; i++) crc = (crc >> 8) ^ table[(crc ^ bytes[i]!) & 0xff]!;
  return crc;
}

/** The bytes of a request: reading `value` registers, or writing `value` into one. */
export function modbusRequest(address: number, register: number, value: number, writes = false): Uint8Array {
  const bytes = Uint8Array.of(
    address,
    writes ? write : read,
    register >> 8,
    register & 0xff,
    value >> 8,
    value & 0xff,
    0,
    0,
  );
  const crc = crc16(bytes, 0, 6);
  bytes[6] = crc & 0xff;
  bytes[7] = crc >> 8;
  return bytes;
}

const crcHolds = (bytes: Uint8Array, at: number, size: number): boolean =>
  crc16(bytes, at, at + size - 2) === (bytes[at + size - 2]! | (bytes[at + size - 1]! << 8));

/**
 * Frames of answers whose address is one of `answers`. A request that comes with such an address, or with one of `asks`, is an echo or
 * another master's.
 *
 * Rejections: noise, checksum, length, cut, request.
 */
export function modbusFraming(
  answers: (address: number) => boolean,
  longest: number,
  asks: (address: number) => boolean = () => false,
): Framing {
  return {
    head: (byte) => answers(byte) || asks(byte),
    cut(bytes, at, end): Cut | undefined {
      if (end - at < 3) return end - at < 2 || isFunction(bytes[at + 1]!) ? undefined : notOurs(bytes, at);
      const code = bytes[at + 1]!;
      if (!isFunction(code)) return notOurs(bytes, at);
      const count = bytes[at + 2]!;
      // Registers of these devices lie below 0x0200, so that the third byte of a request for reading is 0 or 1.
      const looksAsked = code === read && count <= 1;
      if (asks(bytes[at]!) && !looksAsked) return notOurs(bytes, at);
      const size = code === write || looksAsked ? requestSize : count + 5;
      if (size > longest) return { rejection: { rejected: 'length', bytes: bytes.slice(at, at + 3) }, size: 3 };
      if (end - at < size) return undefined;
      const whole = bytes.subarray(at, at + size);
      if (!crcHolds(bytes, at, size)) return { rejection: { rejected: 'checksum', bytes: whole.slice() }, size };
      if (looksAsked) return { rejection: { rejected: 'request', bytes: whole.slice() }, size, whole: true };
      const data = code === write ? bytes.subarray(at + 2, at + 6) : bytes.subarray(at + 3, at + size - 2);
      return { frame: { address: bytes[at]!, code, data, bytes: whole }, size };
    },
  };
}

const isFunction = (code: number): boolean => code === read || code === write;

/** A byte that only looks like a head. */
const notOurs = (bytes: Uint8Array, at: number): Cut => ({
  rejection: { rejected: 'noise', detail: `no frame with function ${bytes[at + 1]}` },
  size: 1,
});

/** A request for `count` registers. An answer is one with at least as many bytes as `shortest` registers. */
export function readRequest(what: string, address: number, register: number, count: number, shortest = count): Request {
  return {
    what,
    bytes: modbusRequest(address, register, count),
    accepts: ({ code, data }) => code === read && data.length >= 2 * shortest && data.length % 2 === 0,
  };
}

/** A request that writes one register; the answer repeats it. */
export function writeRequest(what: string, address: number, register: number, value: number): Request {
  const bytes = modbusRequest(address, register, value, true);
  const echo = hex(bytes.subarray(2, 6));
  return { what, bytes, writes: true, accepts: ({ code, data }) => code === write && hex(data) === echo };
}

/** The registers of a frame. */
export const registersOf = (data: Uint8Array): number[] =>
  Array.from({ length: data.length >> 1 }, (_, n) => u16(data, 2 * n));
