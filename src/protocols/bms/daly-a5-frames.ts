import type { CodecOptions, Frame, Request } from './codec.ts';
import { type Cut, type Framing, sum } from './framing.ts';

// The layout is in daly-a5.ts.

const size = 13;
const usualHost = 0x40;
const usualFill = 0xaa;
/** Answers carry the number of a board; what lies above is an address of those who ask. */
const firstAsking = 0x20;

/** The bytes of a request. */
export function a5Request(
  command: number,
  { board = 1, host = usualHost, fill = usualFill }: CodecOptions,
  data?: number,
): Uint8Array {
  const bytes = new Uint8Array(size).fill(fill);
  bytes.set([0xa5, host + board - 1, command, 8]);
  if (data !== undefined) bytes.fill(0, 4, 12)[4] = data;
  bytes[12] = sum(bytes, 0, 12) & 0xff;
  return bytes;
}

/** Frames of 13 bytes in a stream. */
export const a5Framing: Framing = {
  head: (byte) => byte === 0xa5,
  cut(bytes, at, end): Cut | undefined {
    if (end - at > 3 && bytes[at + 3] !== 8)
      return { rejection: { rejected: 'length', bytes: bytes.slice(at, at + 4) }, size: 4 };
    if (end - at < size) return undefined;
    const whole = bytes.subarray(at, at + size);
    if ((sum(bytes, at, at + 12) & 0xff) !== bytes[at + 12])
      return { rejection: { rejected: 'checksum', bytes: whole }, size };
    const address = bytes[at + 1]!;
    if (address >= firstAsking) return { rejection: { rejected: 'request', bytes: whole }, size, whole: true };
    return { frame: { address, code: bytes[at + 2]!, data: whole.subarray(4, 12), bytes: whole }, size };
  },
};

/** A request of one command; an answer is one of the same command, from the board that was asked. */
export const ask = (what: string, command: number, options: CodecOptions, more: Partial<Request> = {}): Request => ({
  what,
  bytes: a5Request(command, options),
  accepts: ({ code, address }) => code === command && (options.board === undefined || address === options.board),
  ...more,
});

/** Whether frames with the numbers 1 to `count` are there. */
export const numbered =
  (count: number) =>
  (frames: readonly Frame[]): boolean =>
    Array.from({ length: count }, (_, n) => n + 1).every((number) => frames.some(({ data }) => data[0] === number));

/** The data of the last answer to a command. */
export const latest = (frames: readonly Frame[], command: number): Uint8Array | undefined =>
  frames.findLast(({ code, data }) => code === command && data.length === 8)?.data;
