import { ciphers } from './bm-cipher.ts';
import { decodeBm2History, historyStep, joinLog, logStart } from './bm-history.ts';
import { decodeBm2Live, isPlausible, liveFields } from './bm-live.ts';
import { type BlockKind, bmParser } from './bm-parser.ts';
import { bmGatt, bmTiming, bmWhenSilent } from './bm6.ts';
import type { Codec, Frame, History, Request } from './codec.ts';

/*
 * BM2 (Battery Monitor, ZX-1689, Li Battery Monitor): a 12 V monitor, Bluetooth only.
 *
 *   unasked, once a second            F5 …, see bm-live.ts
 *   request   E7 01                   answer   E7 and the size of the history in bytes, u24
 *             E3 00 00 and size u32            FFFFFE, records, FFFEFE and u24; see bm-history.ts
 *
 * Requests and answers are encrypted block by block, see bm-cipher.ts. Service FFF0, written to FFF3, notified by FFF4.
 * Source: KrystianD/bm2-battery-monitor.
 */

const codes = { live: 0xf5, size: 0xe7, history: 0xe3 } as const;
const recordSize = 4;
const logSilence = 3000;
/** The device needs this long between the two requests. */
const betweenRequests = 1000;
/** From here on a live frame is zero, which no record is. */
const zeroFrom = 10;

function classify(block: Buffer, inLog: boolean): BlockKind | undefined {
  if (block.subarray(0, logStart.length).equals(logStart)) return { code: codes.history, header: 0, log: true };
  if (block[0] === codes.live) {
    const sure = !inLog || block.subarray(zeroFrom).every((byte) => byte === 0);
    return sure && isPlausible(decodeBm2Live(block)) ? { code: codes.live, header: 1 } : undefined;
  }
  return block[0] === codes.size && !inLog ? { code: codes.size, header: 1 } : undefined;
}

const cipher = ciphers.bm2;
const of = (code: number) => (frame: Frame) => frame.code === code;
const logOf = (frames: readonly Frame[]) => joinLog(frames.filter(of(codes.history)).map(({ data }) => data));
const sizeOf = (frame: Frame | undefined): number => {
  const [high = 0, middle = 0, low = 0] = frame?.data ?? [];
  return (high << 16) | (middle << 8) | low;
};

const live: Request = { what: 'live values', accepts: of(codes.live) };
const size: Request = {
  what: 'size of the history',
  bytes: cipher.encrypt(Uint8Array.of(codes.size, 0x01)),
  accepts: of(codes.size),
};

function log(bytes: number): Request {
  const plain = Buffer.from([codes.history, 0, 0, 0, 0, 0, 0]);
  plain.writeUInt32BE(bytes, 3);
  return {
    what: 'history',
    bytes: cipher.encrypt(plain),
    accepts: of(codes.history),
    after: betweenRequests,
    quiet: logSilence,
    complete: (frames) => logOf(frames).complete,
  };
}

/** The codec of a BM2. */
export const codec: Codec = {
  name: 'bm2',
  family: 'bm2',
  summary: 'BM2 12 V monitor (Battery Monitor, ZX-1689), Bluetooth',
  parser: () => bmParser(cipher, classify),
  reading: {
    requests: () => [live],
    decode(frames) {
      const last = frames.findLast(live.accepts);
      return last ? liveFields(last.bytes, decodeBm2Live) : { rejected: 'too short', detail: 'no live values' };
    },
  },
  history: {
    *requests() {
      const [answer] = yield size;
      yield log(sizeOf(answer));
    },
    decode(frames): History {
      const { data, complete } = logOf(frames);
      const records = decodeBm2History(data);
      // The oldest comes first: without the end its age follows from how many there should have been.
      const newest = complete ? records.length - 1 : Math.floor(sizeOf(frames.find(size.accepts)) / recordSize) - 1;
      const readings = records.map((fields, i) => ({ age: Math.max(0, newest - i) * historyStep, fields }));
      return { complete, readings };
    },
  },
  probes: () => [{ request: live, options: {} }],
  timing: bmTiming,
  whenSilent: () => bmWhenSilent,
  gatt: bmGatt,
};
