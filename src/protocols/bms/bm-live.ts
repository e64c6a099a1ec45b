import { blockSize } from './bm-cipher.ts';
import type { Reading, Rejection } from './codec.ts';
import type { BatteryFields } from './fields.ts';

/*
 * Live frames, one block of plaintext.
 *
 * BM2, about one a second by itself          BM6 and BM7, for each poll `D1 55 07`
 *    0      F5                                  0–2    D1 55 07
 *    1–2    voltage, upper 12 bits, /100 V      3      sign of the temperature: 00 +, 01 −; FF: an acknowledgement, no reading
 *    2      state, lower 4 bits                 4      temperature, °C, without sign
 *    3      state of charge, %                  5      state
 *    4–5    counter, +25 a second               6      state of charge, %
 *    6–15   not understood                      7–8    voltage, lower 12 bits, /100 V
 *                                               9–12   "rapid acceleration" and "deceleration", meaning not proven
 *                                               13–15  not understood
 *
 * A monitor of this family has no sensor for the current. Sources: KrystianD/bm2-battery-monitor (BM2), marcomc/BMGateway and
 * JeffWDH/bm6-battery-monitor (BM6, BM7); frames of real devices in tests/vectors/bms.
 */

const bm2States: Readonly<Record<number, string>> = {
  0: 'critical',
  1: 'low',
  2: 'normal',
  4: 'charging',
  8: 'floating',
};
const bm6States: Readonly<Record<number, string>> = { 0: 'normal', 1: 'low', 2: 'charging' };

/** Names of the state numbers, by family; a number that is not here is left out of a reading. */
export const bmStates = { bm2: bm2States, bm6: bm6States, bm7: bm6States } as const;

const highestVoltage = 40;
const highestCharge = 100;
const highestTemperature = 125;

/** Whether a reading can be: the marker of a BM2's frame is a single byte, so one in 256 foreign blocks has it. */
export function isPlausible({ voltage = 0, state_of_charge = 0, temperature = 0 }: BatteryFields): boolean {
  return voltage <= highestVoltage && state_of_charge <= highestCharge && Math.abs(temperature) <= highestTemperature;
}

/** The live frame of a BM2 (plaintext, first byte F5). */
export function decodeBm2Live(block: Uint8Array): BatteryFields {
  const [, high = 0, low = 0, charge = 0] = block;
  const state = bm2States[low & 0x0f];
  return {
    voltage: ((high << 4) | (low >> 4)) / 100,
    state_of_charge: charge,
    ...(state !== undefined && { state }),
  };
}

/** Whether a block `D1 55 07` only acknowledges the poll. */
export const isAcknowledgement = (block: Uint8Array): boolean => block[3] === 0xff;

/** The live frame of a BM6 or BM7 (plaintext, first bytes D1 55 07) that is no acknowledgement. */
export function decodeBm6Live(block: Uint8Array): BatteryFields {
  const [, , , sign = 0, degrees = 0, code = 0, charge = 0, high = 0, low = 0] = block;
  const state = bm6States[code];
  return {
    voltage: (((high & 0x0f) << 8) | low) / 100,
    state_of_charge: charge,
    temperature: sign === 0x01 && degrees !== 0 ? -degrees : degrees,
    ...(state !== undefined && { state }),
  };
}

/** The reading in a live frame, or why it is none. */
export function liveFields(block: Uint8Array, decode: (block: Uint8Array) => BatteryFields): Reading | Rejection {
  if (block.length < blockSize) return { rejected: 'too short', detail: `${block.length} bytes` };
  const fields = decode(block);
  return isPlausible(fields) ? { fields } : { rejected: 'implausible' };
}
