/*
 * JBD's UP series (UP16S010, UP16S015, UP16S020), packs for stacking. They answer no DD request but a language of their own, which is
 * recognised here and not read.
 *
 *   address function first(2) end(2) length(2) data… crc(2)     function 78 reads, 45 reads one pack, 79 writes; a request has no data
 *
 * Address 1 is the first pack. The CRC is that of Modbus, low byte first, all else is big endian. 1000 to 10A0 is the status of a
 * pack, the one thing that every pack answers on every port.
 *
 * Rejections: noise, checksum, length, cut, request.
 * Source: session of syssi/esphome-jbd-bms, docs/pdus/JBD-UP16S020-two-devices.txt, recorded; tests/vectors/bms/jbd-up.ndjson.
 */
import type { CodecOptions, Request, Variant } from './codec.ts';
import { type Cut, type Framing, streamParser, u16 } from './framing.ts';
import { crc16 } from './modbus.ts';

const reads = 0x78;
const readsOne = 0x45;
const headSize = 8;
/** The longest that was recorded has 208 bytes of data. */
const longest = 0x100;
const status = [0x10, 0x00, 0x10, 0xa0] as const;

const framing: Framing = {
  head: (byte) => byte >= 1 && byte <= 16,
  cut(bytes, at, end): Cut | undefined {
    if (end - at < 2) return undefined;
    const code = bytes[at + 1]!;
    if (code !== reads && code !== readsOne) return { rejection: { rejected: 'noise', detail: '1 byte' }, size: 1 };
    if (end - at < headSize) return undefined;
    const length = u16(bytes, at + 6);
    const size = headSize + length + 2;
    if (length > longest) return { rejection: { rejected: 'length', bytes: bytes.slice(at, at + headSize) }, size: 8 };
    if (end - at < size) return undefined;
    const whole = bytes.subarray(at, at + size);
    if (crc16(bytes, at, at + size) !== 0) return { rejection: { rejected: 'checksum', bytes: whole.slice() }, size };
    if (length === 0) return { rejection: { rejected: 'request', bytes: whole.slice() }, size, whole: true };
    const data = whole.subarray(headSize, size - 2);
    return { frame: { address: bytes[at]!, code, data, bytes: whole }, size };
  },
};

/** Asks a pack for its status, which changes nothing. */
function request({ board = 1 }: CodecOptions): Request {
  const bytes = Uint8Array.of(board, reads, ...status, 0, 0, 0, 0);
  const crc = crc16(bytes, 0, headSize);
  bytes[headSize] = crc & 0xff;
  bytes[headSize + 1] = crc >> 8;
  return { what: 'status of a pack', bytes, accepts: ({ address, code }) => address === board && code === reads };
}

/** The UP series, which is no other JBD board. */
export const jbdUp: Variant = { name: 'a JBD of the UP series', parser: () => streamParser(framing), request };
