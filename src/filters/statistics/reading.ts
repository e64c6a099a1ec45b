import type { VoltRecord } from '../../records/record.ts';
import { parseTime } from '../../records/time.ts';

/** What the statistics look at in a reading; NaN stands for what it does not have. */
export interface Reading {
  /** Milliseconds since 1970. */
  time: number;
  voltage: number;
  current: number;
  power: number;
  soc: number;
  temperature: number;
  cellDelta: number;
  nominalAh: number;
  /** Temperature of each sensor, NaN for one that measures nothing; undefined without a list. */
  temperatures: readonly number[] | undefined;
}

const number = (value: unknown): number => (typeof value === 'number' ? value : Number.NaN);

/** A sensor that is not connected reads −40 °C or the end of its scale. */
const isMeasured = (value: unknown): boolean => typeof value === 'number' && value > -40 && value < 200;

const degrees = (value: unknown): number => (isMeasured(value) ? (value as number) : Number.NaN);

/** Highest minus lowest of a list of cell voltages. */
function spread(cells: unknown): number {
  if (!Array.isArray(cells) || cells.length < 2) return Number.NaN;
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const cell of cells) {
    if (cell < low) low = cell;
    if (cell > high) high = cell;
  }
  return Math.round((high - low) * 1e6) / 1e6;
}

function temperaturesOf(list: unknown): readonly number[] | undefined {
  if (!Array.isArray(list) || list.length === 0) return undefined;
  return list.every(isMeasured) ? list : list.map(degrees);
}

/** Reads a `battery_reading`; undefined without a time. What power a device does not say is voltage times current. */
export function readReading(record: VoltRecord): Reading | undefined {
  const time = parseTime(record.time);
  if (Number.isNaN(time)) return undefined;
  const voltage = number(record.voltage);
  const current = number(record.current);
  return {
    time,
    voltage,
    current,
    power: typeof record.power === 'number' ? record.power : voltage * current,
    soc: number(record.state_of_charge),
    temperature: degrees(record.temperature),
    cellDelta: typeof record.cell_delta === 'number' ? record.cell_delta : spread(record.cells),
    nominalAh: number(record.nominal_ah),
    temperatures: temperaturesOf(record.temperatures),
  };
}
