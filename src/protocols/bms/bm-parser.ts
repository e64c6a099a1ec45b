import { type BlockCipher, blockSize } from './bm-cipher.ts';
import { logEnd } from './bm-history.ts';
import type { Frame, Parsed, Parser, Rejection } from './codec.ts';

/** What the first bytes of a decrypted block say. */
export interface BlockKind {
  code: number;
  /** A log begins with this block: what follows belongs to it until its end mark. */
  log?: boolean;
  /** Bytes of the header; the rest is {@link Frame.data}. */
  header: number;
  /** It carries no battery data, or comes unasked: {@link Frame.layer}. */
  layer?: string;
}

/**
 * How a family tells its blocks apart: undefined for one that begins none of its frames, as after the wrong key. `inLog`: it may be
 * the middle of a log, whose bytes can look like anything.
 */
export type Classify = (block: Buffer, inLog: boolean) => BlockKind | undefined;

/** A log of so many blocks is none: the longest that was seen has 380. */
const longestLog = 4096;

/** A log whose end has not come. */
interface OpenLog {
  code: number;
  layer: string | undefined;
  blocks: number;
  /** The last bytes, since its end mark may lie across two blocks. */
  tail: Buffer;
}

/**
 * The parser of BM2, BM6 and BM7. Each notification is one encrypted block or several; a log (history, engine start) goes over many
 * and ends anywhere in a block, and live frames may come between and behind its blocks, or a whole log of another kind, after which
 * the first goes on.
 *
 * Rejections: `cut` (not whole blocks, or a log that was broken off), `zero` (the notification right after subscribing), `marker` (another family's key, noise),
 * `log` (one that does not end).
 */
export function bmParser(cipher: BlockCipher, classify: Classify): Parser {
  /** The innermost last. */
  let logs: OpenLog[] = [];

  const continued = (block: Buffer, log: OpenLog): Frame => {
    const { code, layer } = log;
    if (Buffer.concat([log.tail, block]).includes(logEnd)) logs.pop();
    log.blocks++;
    log.tail = block.subarray(-2);
    return { code, data: block, bytes: block, ...(layer !== undefined && { layer }) };
  };

  const opened = (block: Buffer, { code, header, layer, log: isLog }: BlockKind): Frame => {
    const data = block.subarray(header);
    if (isLog) {
      logs = logs.filter((log) => log.code !== code);
      if (!data.includes(logEnd)) logs.push({ code, layer, blocks: 1, tail: data.subarray(-2) });
    }
    return { code, data, bytes: block, ...(layer !== undefined && { layer }) };
  };

  const read = (encrypted: Uint8Array): Frame | Rejection => {
    if (encrypted.every((byte) => byte === 0)) return { rejected: 'zero', bytes: encrypted };
    const block = cipher.decrypt(encrypted);
    const log = logs.at(-1);
    const kind = classify(block, log !== undefined);
    if (kind) return opened(block, kind);
    if (!log) return { rejected: 'marker', bytes: encrypted };
    if (log.blocks < longestLog) return continued(block, log);
    logs = [];
    return { rejected: 'log', detail: `no end after ${longestLog} blocks` };
  };

  return {
    push(bytes) {
      if (bytes.length === 0 || bytes.length % blockSize !== 0) {
        return {
          frames: [],
          rejections: [{ rejected: 'cut', detail: `${bytes.length} bytes, no whole blocks`, bytes }],
        };
      }
      const frames: Frame[] = [];
      const rejections: Rejection[] = [];
      for (let at = 0; at < bytes.length; at += blockSize) {
        const found = read(bytes.subarray(at, at + blockSize));
        if ('rejected' in found) rejections.push(found);
        else frames.push(found);
      }
      return { frames, rejections };
    },
    reset(): Parsed {
      const wasOpen = logs.length > 0;
      logs = [];
      return { frames: [], rejections: wasOpen ? [{ rejected: 'cut', detail: 'a log without its end' }] : [] };
    },
  };
}
