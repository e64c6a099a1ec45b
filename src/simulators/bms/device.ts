/** The other end of a serial line: it hears bytes and answers. */
export interface SerialDevice {
  /** Takes what came over the line; the answers to the requests that are complete in it. */
  receive(bytes: Uint8Array): Answer[];
}

/** What is sent for one request: the frames of the answer, in order. */
export interface Answer {
  /** The request as it came. */
  request: Uint8Array;
  frames: Buffer[];
}

/** Collects requests of a known form out of what comes over the line. */
export function requestReader(
  /** The length of the request that begins here, 0 when none can, undefined while that is not known. */
  lengthOf: (bytes: Uint8Array, at: number) => number | undefined,
  respond: (request: Uint8Array) => Buffer[],
): SerialDevice {
  let pending = Buffer.alloc(0);
  return {
    receive(bytes) {
      const answers: Answer[] = [];
      pending = Buffer.concat([pending, bytes]);
      let at = 0;
      while (at < pending.length) {
        const length = lengthOf(pending, at);
        if (length === 0) {
          at++;
          continue;
        }
        if (length === undefined || pending.length - at < length) break;
        const request = pending.subarray(at, at + length);
        answers.push({ request, frames: respond(request) });
        at += length;
      }
      pending = Buffer.from(pending.subarray(at));
      if (pending.length > 300) pending = Buffer.alloc(0);
      return answers;
    },
  };
}

/** 16 bits, big endian. */
export const be16 = (value: number): [number, number] => [(value >> 8) & 0xff, value & 0xff];

/** 32 bits, big endian. */
export const be32 = (value: number): number[] => [...be16(Math.floor(value / 0x10000)), ...be16(value & 0xffff)];
