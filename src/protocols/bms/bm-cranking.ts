import { joinLog } from './bm-history.ts';
import { isPlausible } from './bm-live.ts';
import type { Frame, Pushed, Rejection } from './codec.ts';

/*
 * The log of an engine start, which a BM6 pushes by itself while it is connected:
 *
 *   D1 55 03 01 VVVV xxxx 0000   FFFFFE   samples of 12 bits, /100 V, 100 a second   FFFEFE
 *
 * 352 samples are 3.52 s; the first eight are from before the drop. VVVV is a sample of about 20 ms after it, not the lowest, so the
 * lowest is computed here. What xxxx counts is not proven. Source: three waveforms in 1stbenz/1stbenz.github.io.
 */

/** An engine start as the voltage shows it: the keys of an `engine_start` record (`src/records/engine-start.ts`). */
export interface Cranking {
  /** V, the lowest. */
  cranking_voltage: number;
  /** V, before the drop. */
  voltage_before: number;
  /** V, at the end of the log. */
  voltage_after: number;
  /** Samples a second. */
  sample_rate: number;
  /** V, oldest first. */
  voltages: readonly number[];
}

/** The code of its frames in the parser of bm6.ts. */
export const crankingCode = 0x03;

const sampleRate = 100;
const digitsOfSample = 3;

/** The engine start in the data of its frames; a rejection while its end mark is missing, or when it can't be one. */
export function decodeCranking(blocks: readonly Uint8Array[]): Cranking | Rejection {
  const { data, complete } = joinLog(blocks);
  if (!complete) return { rejected: 'cut', detail: 'an engine start without its end' };
  const digits = data.toString('hex');
  const voltages = Array.from(
    { length: Math.floor(digits.length / digitsOfSample) },
    (_, i) => Number.parseInt(digits.slice(i * digitsOfSample, (i + 1) * digitsOfSample), 16) / 100,
  );
  const [before] = voltages;
  if (before === undefined) return { rejected: 'too short', detail: 'an engine start without samples' };
  if (!voltages.every((voltage) => isPlausible({ voltage }))) return { rejected: 'implausible' };
  return {
    cranking_voltage: Math.min(...voltages),
    voltage_before: before,
    voltage_after: voltages.at(-1)!,
    sample_rate: sampleRate,
    voltages,
  };
}

/** The frames of the log that began last: one that was broken off is none. */
function lastLog(frames: readonly Frame[], begins: (frame: Frame) => boolean): Uint8Array[] {
  return frames.slice(Math.max(0, frames.findLastIndex(begins))).map(({ data }) => data);
}

/** Engine starts as a codec's {@link Pushed}. `begins`: whether a frame is the first of its log. */
export const crankingPushed = (begins: (frame: Frame) => boolean): Pushed => ({
  what: 'engine start',
  accepts: ({ code }) => code === crankingCode,
  complete: (frames) => joinLog(lastLog(frames, begins)).complete,
  decode(frames) {
    const cranking = decodeCranking(lastLog(frames, begins));
    if ('rejected' in cranking) return cranking;
    return { type: 'engine_start', age: cranking.voltages.length / sampleRate, fields: { ...cranking } };
  },
});
