import type { CodecOptions, Frame, Info, Rejection, Request, Task } from './codec.ts';
import { ask, latest } from './daly-a5-frames.ts';
import { ascii, u16 } from './framing.ts';

// The layout is in daly-a5.ts.

function* requests(options: CodecOptions): Generator<Request, void, readonly Frame[]> {
  const text = { optional: true, complete: () => false, quiet: 200 };
  yield ask('rated capacity', 0x50, options, { optional: true });
  yield ask('date of manufacture', 0x53, options, { optional: true });
  yield ask('battery code', 0x57, options, text);
  yield ask('software version', 0x62, options, text);
  yield ask('hardware version', 0x63, options, text);
}

function decode(frames: readonly Frame[]): Info | Rejection {
  const rated = latest(frames, 0x50);
  const date = latest(frames, 0x53);
  const texts = { battery_code: textOf(frames, 0x57), firmware: textOf(frames, 0x62), hardware: textOf(frames, 0x63) };
  const two = (n: number): string => String(n).padStart(2, '0');
  const info: Info = {
    ...(rated && { nominal_ah: (u16(rated, 0) * 0x10000 + u16(rated, 2)) / 1000 }),
    ...(date && date[3]! > 0 && { manufactured: `20${two(date[2]!)}-${two(date[3]!)}-${two(date[4]!)}` }),
    ...Object.fromEntries(Object.entries(texts).flatMap(([key, text]) => (text === undefined ? [] : [[key, text]]))),
  };
  return Object.keys(info).length > 0 ? info : { rejected: 'too short', detail: 'no version came' };
}

/** Text that came in numbered pieces of seven characters. */
function textOf(frames: readonly Frame[], command: number): string | undefined {
  const pieces = frames.filter(({ code, data }) => code === command && data.length === 8);
  pieces.sort((a, b) => a.data[0]! - b.data[0]!);
  return ascii(Uint8Array.from(pieces.flatMap(({ data }) => [...data.subarray(1)])));
}

/** What a board says about itself: capacity, date, code, versions. */
export const a5Info: Task<Info> = { requests, decode };
