import { crc32 } from 'node:zlib';

/*
 * A line of a segment:
 *
 *   0a1b2c3d 4711 {"type":"battery_reading",…}\n
 *   |        |    the record as it came in
 *   |        its sequence number, decimal
 *   CRC-32 (zlib's, 8 hexadecimal digits) of all behind the first space, up to the newline
 *
 * `cut -d' ' -f3-` gives the records back.
 */

const space = 0x20;
const zero = 0x30;
const checksumLength = 8;
const hexDigits = '0123456789abcdef';

const byteHex = Array.from({ length: 256 }, (_, byte) => hexDigits[byte >> 4]! + hexDigits[byte & 15]!);

const hex = (value: number): string =>
  byteHex[value >>> 24]! + byteHex[(value >>> 16) & 255]! + byteHex[(value >>> 8) & 255]! + byteHex[value & 255]!;

/** A record as a line with its newline. */
export function frame(seq: number, json: string): string {
  const body = `${seq} ${json}`;
  return `${hex(crc32(body))} ${body}\n`;
}

/** What a good line holds: its number, and where in the bytes its JSON begins. One object for all, since millions are read. */
export interface Frame {
  seq: number;
  json: number;
}

const nibble = new Int8Array(256).fill(-1);
for (const [value, char] of [...hexDigits].entries()) nibble[char.charCodeAt(0)] = value;

/** Reads the line `bytes[start, end)` (without its newline) into `into`. False: it is damaged. */
export function readFrame(bytes: Buffer, start: number, end: number, into: Frame): boolean {
  const body = start + checksumLength + 1;
  if (body + 3 > end || bytes[body - 1] !== space) return false;
  let sum = 0;
  for (let at = start; at < body - 1; at++) {
    const digit = nibble[bytes[at]!]!;
    if (digit < 0) return false;
    sum = (sum << 4) | digit;
  }
  let seq = 0;
  let at = body;
  for (; at < end && bytes[at] !== space; at++) {
    const digit = bytes[at]! - zero;
    if (digit < 0 || digit > 9) return false;
    seq = seq * 10 + digit;
  }
  if (at === body || at + 1 >= end || !Number.isSafeInteger(seq)) return false;
  if (crc32(bytes.subarray(body, end)) !== sum >>> 0) return false;
  into.seq = seq;
  into.json = at + 1;
  return true;
}

/**
 * Looks in a damaged line for a good one at its end: when a newline was lost, the line behind it is still whole.
 *
 * @returns where it begins, or -1
 */
export function rescueFrame(bytes: Buffer, start: number, end: number, into: Frame): number {
  for (let at = start + 1; at + checksumLength + 4 <= end; at++) {
    if (bytes[at + checksumLength] === space && nibble[bytes[at]!]! >= 0 && readFrame(bytes, at, end, into)) return at;
  }
  return -1;
}
