import { joinLog } from './bm-history.ts';

/*
 * The log of an engine start, which a BM6 pushes by itself:
 *
 *   D1 55 03 01 VVVV xxxx 0000   FFFFFE   samples of 12 bits, /100 V, 100 a second   FFFEFE
 *
 * 352 samples are 3.52 s; the first eight are from before the drop. VVVV is a sample of about 20 ms after it, not the lowest, so the
 * lowest is computed here. What xxxx counts is not proven. Source: three waveforms in 1stbenz/1stbenz.github.io.
 */

/** An engine start as the voltage shows it. */
export interface Cranking {
  /** V, oldest first, {@link crankingRate} a second. */
  voltages: number[];
  /** V */
  lowest_voltage: number;
}

/** The code of its frames in the parser of bm6.ts. */
export const crankingCode = 0x03;

/** Samples a second. */
export const crankingRate = 100;

/** The engine start in the data of its frames; undefined until its end mark has come. */
export function decodeCranking(blocks: readonly Uint8Array[]): Cranking | undefined {
  const { data, complete } = joinLog(blocks);
  if (!complete) return undefined;
  const digits = data.toString('hex');
  const voltages = Array.from(
    { length: Math.floor(digits.length / 3) },
    (_, i) => Number.parseInt(digits.slice(i * 3, i * 3 + 3), 16) / 100,
  );
  return voltages.length === 0 ? undefined : { voltages, lowest_voltage: Math.min(...voltages) };
}
