import { type Frame, nothing, type Parsed, type Parser, type Rejection } from './codec.ts';

/** How one protocol's frames lie in a stream. */
export interface Framing {
  /** Whether a frame may begin with this byte. */
  head(byte: number): boolean;
  /**
   * Looks at the frame that would begin at `at`; `end` is behind the last byte known. A {@link Cut} when it can be judged,
   * undefined while bytes are missing. Must not ask for more than a few hundred bytes.
   */
  cut(bytes: Uint8Array, at: number, end: number): Cut | undefined;
}

/** A judged frame: `size` bytes were looked at. A rejected one costs its first byte alone, unless it is `whole` (valid, but not for us). */
export type Cut = { frame: Frame; size: number } | { rejection: Rejection; size: number; whole?: true };

/** A parser that resynchronises: after a bad frame it goes on with the byte behind its head. */
export function streamParser(framing: Framing): Parser {
  let pending: Uint8Array = new Uint8Array(0);

  /** Judges all that can be judged; `last` means that nothing more will come. */
  function run(bytes: Uint8Array, last: boolean): Parsed {
    const frames: Frame[] = [];
    const rejections: Rejection[] = [];
    const end = bytes.length;
    let at = 0;
    // Bytes before this index belong to something already judged: they are no noise.
    let judged = 0;
    let noise = 0;
    while (at < end) {
      if (!framing.head(bytes[at]!)) {
        if (at >= judged) noise++;
        at++;
        continue;
      }
      const cut = framing.cut(bytes, at, end);
      if (cut === undefined) {
        if (!last) break;
        if (at >= judged) rejections.push({ rejected: 'cut', bytes: bytes.slice(at) });
        judged = end;
        at++;
      } else if ('frame' in cut) {
        frames.push(cut.frame);
        at += cut.size;
      } else {
        rejections.push(cut.rejection);
        judged = Math.max(judged, at + cut.size);
        at += cut.whole ? cut.size : 1;
      }
    }
    if (noise > 0) rejections.push({ rejected: 'noise', detail: `${noise} ${noise === 1 ? 'byte' : 'bytes'}` });
    pending = at < end ? bytes.slice(at) : empty;
    return { frames, rejections };
  }

  return {
    push(bytes) {
      if (pending.length === 0) return run(bytes, false);
      const joined = new Uint8Array(pending.length + bytes.length);
      joined.set(pending);
      joined.set(bytes, pending.length);
      return run(joined, false);
    },
    reset() {
      return pending.length === 0 ? nothing : run(pending, true);
    },
  };
}

const empty = new Uint8Array(0);

/** Unsigned 16 bits, big endian. */
export const u16 = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!;

/** Signed 16 bits, big endian. */
export const s16 = (bytes: Uint8Array, at: number): number => ((bytes[at]! << 24) >> 16) | bytes[at + 1]!;

/** Sum of the bytes from `from` to before `to`. */
export function sum(bytes: Uint8Array, from: number, to: number): number {
  let total = 0;
  for (let i = from; i < to; i++) total += bytes[i]!;
  return total;
}

/** Printable ASCII up to the first zero byte, trimmed; undefined when nothing is left. */
export function ascii(bytes: Uint8Array): string | undefined {
  let text = '';
  for (const byte of bytes) {
    if (byte === 0) break;
    if (byte >= 0x20 && byte < 0x7f) text += String.fromCharCode(byte);
  }
  return text.trim() || undefined;
}

/** Bytes as lower-case hexadecimal. */
export const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
