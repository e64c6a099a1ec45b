import { type BmFamily, ciphers } from './bm-cipher.ts';
import { crankingCode, crankingPushed } from './bm-cranking.ts';
import { decodeBm6History, historyStep, joinLog, logStart } from './bm-history.ts';
import { decodeBm6Live, isAcknowledgement, isPlausible, liveFields } from './bm-live.ts';
import { type BlockKind, bmParser } from './bm-parser.ts';
import type { Codec, Frame, Gatt, History, Request, Timing } from './codec.ts';

/*
 * BM6 (Ancel BM200, Sealey BT2020, Quicklynks, intAct Battery-Guard), and BM7 with another key: a 12 V monitor, Bluetooth only.
 *
 *   request   D1 55 07   live values        answer   D1 55 07 …   see bm-live.ts
 *             D1 55 01   version                     D1 55 01 and four bytes whose meaning is not known
 *             D1 55 05 00 00 00 00 pages   history   D1 55 05 …, then a log, see bm-history.ts; a page is 256 records
 *   unasked                                          D1 55 03 …, then a log: an engine start, see bm-cranking.ts
 *
 * Requests and answers are encrypted block by block, see bm-cipher.ts. Service FFF0, written to FFF3, notified by FFF4.
 * Sources: JeffWDH/bm6-battery-monitor, marcomc/BMGateway, Rafciq/BM6.
 */

const codes = { version: 0x01, cranking: crankingCode, history: 0x05, live: 0x07 } as const;
const [head0, head1] = [0xd1, 0x55];

/** Where BM2, BM6 and BM7 are subscribed to and written. */
export const bmGatt: readonly Gatt[] = [{ service: 'fff0', notify: 'fff4', write: 'fff3', writeType: 'with-response' }];

/** A monitor speaks once a second. */
export const bmTiming: Timing = { response: 3000, gap: 20, torn: 3000 };

/** A monitor understands its own family's key alone. */
export const bmWhenSilent = 'Is --type right? ble-scan says what it is.';

const defaultPages = 6;
const mostPages = 255;
/** What works for the history: the subscription has to stand for this long, and what the poll stirred up has to pass. */
const beforeHistory = { subscribed: 400, polled: 300 };
/** A log that pauses for so long is over, with or without its end mark. */
const logSilence = 3000;

function classify(block: Buffer): BlockKind | undefined {
  if (block[0] !== head0 || block[1] !== head1) return undefined;
  switch (block[2]) {
    case codes.live:
      return isAcknowledgement(block) || isPlausible(decodeBm6Live(block))
        ? { code: codes.live, header: 3 }
        : undefined;
    case codes.version:
      return { code: codes.version, header: 3 };
    case codes.history:
    case codes.cranking: {
      const start = block.indexOf(logStart, 3);
      const header = start < 0 ? block.length : start;
      return { code: block[2], header, log: true, ...(block[2] === codes.cranking && { layer: 'engine start' }) };
    }
    default:
      return undefined;
  }
}

const historyOf = (frames: readonly Frame[]): Frame[] => frames.filter(({ code }) => code === codes.history);

/** The codec of a BM6, or of a BM7, which differs in its key alone. */
export function bm6Codec(family: BmFamily, summary: string): Codec {
  const cipher = ciphers[family];
  const request = (what: string, code: number, rest: Partial<Request>, ...more: number[]): Request => ({
    what,
    bytes: cipher.encrypt(Uint8Array.of(head0, head1, code, ...more)),
    accepts: (frame) => frame.code === code,
    ...rest,
  });
  const live = request('live values', codes.live, {
    accepts: ({ code, bytes }) => code === codes.live && !isAcknowledgement(bytes),
  });
  const log = (pages: number): Request =>
    request(
      'history',
      codes.history,
      {
        after: beforeHistory.polled,
        quiet: logSilence,
        complete: (frames) => joinLog(historyOf(frames).map(({ data }) => data)).complete,
      },
      ...[0, 0, 0, 0, Math.min(pages, mostPages)],
    );

  return {
    name: family,
    family,
    summary,
    parser: () => bmParser(cipher, classify),
    reading: {
      requests: () => [live],
      decode(frames) {
        const last = frames.findLast(live.accepts);
        return last ? liveFields(last.bytes, decodeBm6Live) : { rejected: 'too short', detail: 'no live values' };
      },
    },
    info: {
      requests: () => [request('version', codes.version, {})],
      decode(frames) {
        const last = frames.findLast(({ code }) => code === codes.version);
        if (!last) return { rejected: 'too short', detail: 'no version' };
        return { version_raw: Buffer.from(last.data.subarray(0, 4)).toString('hex') };
      },
    },
    history: {
      requests: ({ pages = defaultPages }) => [{ ...live, after: beforeHistory.subscribed }, log(pages)],
      decode(frames): History {
        const { data, complete } = joinLog(historyOf(frames).map((frame) => frame.data));
        const readings = decodeBm6History(data).map((fields, i) => ({ age: i * historyStep, fields }));
        return { complete, readings: readings.reverse() };
      },
    },
    pushed: crankingPushed(({ bytes }) => bytes[0] === head0 && bytes[1] === head1 && bytes[2] === codes.cranking),
    probes: () => [{ request: live, options: {} }],
    timing: bmTiming,
    whenSilent: () => bmWhenSilent,
    gatt: bmGatt,
  };
}

/** The codec of a BM6. */
export const codec = bm6Codec('bm6', 'BM6 12 V monitor and its rebadges (Ancel BM200, Quicklynks, intAct), Bluetooth');
