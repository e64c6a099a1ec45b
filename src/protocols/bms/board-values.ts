import { type BatteryFields, cellFields, powerOf } from './fields.ts';

// What boards of Daly and JBD say under a checksum that holds, and no battery can be. Why these bounds: docs/decisions/047-bounds-of-boards.md

/** Fields, and what is odd about them. */
export interface Odd {
  fields: BatteryFields;
  remarks: string[];
}

/** What a board says about its battery as a whole. */
export interface Whole {
  voltage: number;
  current: number;
  stateOfCharge: number;
  /** In series, as the board says; 0 when it doesn't. */
  cells: number;
  /** How many the dialect has room for; a number above it says nothing. */
  mostCells: number;
  /** Where the scale of its current ends, when that is before what a board can carry. */
  endOfScale?: number;
}

const openWire = 5000;
const mostAmps = 2500;

/** Voltage, current, power and state of charge. What is impossible is left out, and the power with it. */
export function wholeFields(whole: Whole): Odd {
  const { voltage, current, stateOfCharge, cells, mostCells, endOfScale = mostAmps } = whole;
  const fields: BatteryFields = {};
  const remarks: string[] = [];
  const isCounted = cells > 0 && cells <= mostCells;
  const hasVoltage = voltage < ((isCounted ? cells : mostCells) * openWire) / 1000;
  const hasCurrent = Math.abs(current) < endOfScale;
  if (hasVoltage) fields.voltage = voltage;
  else remarks.push(`the voltage reads ${voltage} V${isCounted ? ` with ${cells} cells` : ''}: left out`);
  if (hasCurrent) fields.current = current;
  else remarks.push(`the current reads ${current} A: left out`);
  if (hasVoltage && hasCurrent) fields.power = powerOf(voltage, current);
  if (stateOfCharge <= 100) fields.state_of_charge = stateOfCharge;
  else remarks.push(`the state of charge reads ${stateOfCharge} %: left out`);
  return { fields, remarks };
}

/** A cell in mV; one of 5 V and more is none. */
export const boardCell = (mv: number | undefined): number | undefined =>
  mv === undefined || mv >= openWire ? undefined : mv;

/** Cells in mV, each as {@link boardCell} reads it. */
export function boardCells(millivolts: readonly (number | undefined)[]): Odd {
  const remarks: string[] = [];
  for (const [n, mv] of millivolts.entries()) {
    if (mv === undefined || mv < openWire) continue;
    const why = mv === openWire ? 'its sense wire is open' : 'left out';
    remarks.push(`cell ${n + 1} reads ${mv / 1000} V: ${why}`);
  }
  return { fields: cellFields(remarks.length === 0 ? millivolts : millivolts.map(boardCell)), remarks };
}
