import type { Measurement } from './pack.ts';

/** A current in mA as a register: tenths of an ampere above 30000, what lies beyond its ends at the end. */
export const amps = (milli: number): number => Math.min(0xffff, Math.max(0, 30_000 + tenths(milli)));
/** Tenths of thousandths. */
export const tenths = (milli: number): number => Math.round(milli / 100);
/** The state byte: idle, charging, discharging. */
export const state = ({ current }: Measurement): number => (current === 0 ? 0 : current > 0 ? 1 : 2);
/** The highest or lowest of a list and its number; of equal ones the last, as a Daly has it. */
export const numbered = (
  list: readonly number[],
  pick: (...values: number[]) => number,
): [value: number, number: number] => {
  const value = pick(...list);
  return [value, list.lastIndexOf(value) + 1];
};
/** °C + 40. */
export const kelvinless = (celsius: number): number => Math.round(celsius) + 40;
