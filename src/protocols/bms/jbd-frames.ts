import type { Frame, Request } from './codec.ts';
import { type Cut, type Framing, sum, u16 } from './framing.ts';
import { cutModuleFrame } from './jbd-module.ts';

// The layout is in jbd.ts.

/** No answer is longer than 32 cells and a margin; a longer claim is a false head. */
const longest = 0x60;

const sawChecksum = 0x82;
const statuses: Readonly<Record<number, string>> = {
  128: 'refused',
  129: 'not allowed in this mode',
  131: 'it wants a password',
};

/** A request's bytes. `write` makes it one that changes the device. */
export function jbdRequest(register: number, data: readonly number[] = [], write = false): Uint8Array {
  const body = [register, data.length, ...data];
  const check = (0x10000 - body.reduce((total, byte) => total + byte, 0)) & 0xffff;
  return Uint8Array.of(0xdd, write ? 0x5a : 0xa5, ...body, check >> 8, check & 0xff, 0x77);
}

function cut(bytes: Uint8Array, at: number, end: number): Cut | undefined {
  if (end - at < 4) return undefined;
  const length = bytes[at + 3]!;
  const size = length + 7;
  if (length > longest) return { rejection: { rejected: 'length', bytes: bytes.slice(at, at + 4) }, size: 4 };
  if (end - at < size) return undefined;
  const dataEnd = at + 4 + length;
  if (bytes[dataEnd + 2] !== 0x77) return { rejection: { rejected: 'tail', bytes: bytes.slice(at, at + size) }, size };
  if (((sum(bytes, at + 2, dataEnd) + u16(bytes, dataEnd)) & 0xffff) !== 0) {
    return { rejection: { rejected: 'checksum', bytes: bytes.slice(at, at + size) }, size };
  }
  const code = bytes[at + 1]!;
  const whole = bytes.subarray(at, at + size);
  // Our request was damaged on its way: no answer to it, but a reason to send it again.
  if (bytes[at + 2] === sawChecksum) return { rejection: { rejected: 'checksum', bytes: whole }, size, whole: true };
  if (code === 0xa5 || code === 0x5a) return { rejection: { rejected: 'request', bytes: whole }, size, whole: true };
  return {
    frame: { code, status: bytes[at + 2]!, data: bytes.subarray(at + 4, dataEnd), bytes: whole },
    size,
  };
}

/** Frames on a wire. */
export const plain: Framing = { head: (byte) => byte === 0xdd, cut };
/** Over Bluetooth the module's own frames share the characteristic. */
export const withModule: Framing = {
  head: (byte) => byte === 0xdd || byte === 0xff,
  cut: (bytes, at, end) => (bytes[at] === 0xff ? cutModuleFrame(bytes, at, end) : cut(bytes, at, end)),
};

/** A request to read a register; an answer is one of at least `shortest` bytes, or a refusal. */
export const ask = (what: string, register: number, shortest: number, optional = false): Request => ({
  what,
  bytes: jbdRequest(register),
  accepts: ({ code, layer, status, data }) =>
    code === register && layer === undefined && (status !== 0 || data.length >= shortest),
  refusal: ([frame]) => (frame?.status ? `${statuses[frame.status] ?? `status ${frame.status}`}` : undefined),
  optional,
});

/** The data of the last good answer of a register. */
export function latest(frames: readonly Frame[], register: number): Uint8Array | undefined {
  for (let n = frames.length - 1; n >= 0; n--) {
    const frame = frames[n]!;
    if (frame.code === register && frame.layer === undefined && frame.status === 0) return frame.data;
  }
  return undefined;
}
