import { type Odd, wholeFields } from './board-values.ts';
import type { CodecOptions, Rejection } from './codec.ts';
import { temperatureFields } from './fields.ts';

/** State bytes of all Daly dialects. */
export const dalyStates: readonly (string | undefined)[] = ['idle', 'charging', 'discharging'];

const zeroAmps = 30_000;

/** A current of 0.1 A above 30000 that is + when charging; without a −0. */
function dalyCurrent(raw: number, { invertCurrent }: CodecOptions): number {
  const current = (raw - zeroAmps) / 10;
  return invertCurrent && current !== 0 ? -current : current;
}

/** What a dialect says of its battery as a whole, in tenths: voltage, current (as {@link dalyCurrent} reads it), state of charge. */
export const dalyWhole = (
  [voltage, current, stateOfCharge]: readonly [number, number, number],
  cells: number,
  mostCells: number,
  options: CodecOptions,
): Odd =>
  wholeFields({
    voltage: voltage / 10,
    current: dalyCurrent(current, options),
    stateOfCharge: stateOfCharge / 10,
    cells,
    mostCells,
  });

const mostSensors = 8;

/** Why registers that name more cells or sensors than the dialect has room for are no status; undefined: they don't. */
export const dalyTooMany = (cells: number, mostCells: number, sensors: number): Rejection | undefined =>
  cells <= mostCells && sensors <= mostSensors
    ? undefined
    : {
        rejected: 'range',
        detail: `${cells} cells and ${sensors} sensors, at most ${mostCells} and ${mostSensors} are possible`,
      };

/** One sensor in °C + 40; 0 (−40 °C) and 255 are a sensor that is missing. */
export const dalyTemperature = (raw: number | undefined): number | undefined =>
  raw === undefined || raw === 0 || raw >= 255 ? undefined : raw - 40;

/** Sensors, each as {@link dalyTemperature} reads it. */
export function dalyTemperatures(raw: readonly (number | undefined)[]): Odd {
  const celsius = raw.map(dalyTemperature);
  return {
    fields: temperatureFields(celsius),
    remarks: celsius.flatMap((value, n) => (value === undefined ? [`temperature sensor ${n + 1} is missing`] : [])),
  };
}
