/**
 * What a codec can say about a battery: keys of a `battery_reading` (`src/records/battery-reading.ts`), absent while unknown.
 * The current is + when charging. Cells and sensors are numbered from 1. A list with a missing element is left out whole.
 */
export interface BatteryFields {
  voltage?: number;
  current?: number;
  power?: number;
  state_of_charge?: number;
  temperature?: number;
  temperatures?: readonly number[];
  temp_min?: number;
  temp_max?: number;
  temp_mos?: number;
  /** °C without its sign, which the history of a BM6 doesn't tell. */
  temperature_abs?: number;
  /** A BM2's history: the lowest voltage while the engine was cranked. */
  cranking_voltage?: number;
  cells?: readonly number[];
  cell_count?: number;
  cell_min?: number;
  cell_max?: number;
  cell_min_number?: number;
  cell_max_number?: number;
  cell_delta?: number;
  charge_enabled?: boolean;
  discharge_enabled?: boolean;
  balancing?: readonly number[];
  alarms?: readonly string[];
  alarm_flags?: number;
  /** Switched off by software: no fault, but the reason why a switch is off. */
  switch_locked?: boolean;
  /** As the device judges: idle, charging, discharging; a 12 V monitor: normal, low, critical, charging, floating. */
  state?: string;
  cycles?: number;
  remaining_ah?: number;
  nominal_ah?: number;
  full_ah?: number;
  firmware?: string;
}

/** Rounds away what binary fractions add: `3.33` instead of `3.3300000000000001`. */
export const rounded = (value: number, decimals: number): number => {
  const scale = 10 ** decimals;
  return Math.round(value * scale) / scale;
};

/** Power of a voltage and a current, to the hundredth of a watt. */
export const powerOf = (voltage: number, current: number): number => rounded(voltage * current, 2);

/**
 * Cells in millivolts as fields; `undefined` stands for a cell that is not known. Lowest, highest and their difference are of the
 * known ones; with equal cells the first counts.
 */
export function cellFields(millivolts: readonly (number | undefined)[]): BatteryFields {
  let min = -1;
  let max = -1;
  let low = 0;
  let high = 0;
  const cells: number[] = [];
  for (let i = 0; i < millivolts.length; i++) {
    const mv = millivolts[i];
    if (mv === undefined) continue;
    cells.push(mv / 1000);
    if (min < 0 || mv < low) {
      min = i;
      low = mv;
    }
    if (max < 0 || mv > high) {
      max = i;
      high = mv;
    }
  }
  if (min < 0) return {};
  const fields: BatteryFields = {
    cell_min: low / 1000,
    cell_max: high / 1000,
    cell_min_number: min + 1,
    cell_max_number: max + 1,
    cell_delta: (high - low) / 1000,
  };
  if (cells.length === millivolts.length) fields.cells = cells;
  return fields;
}

/** Sensors in °C as fields; `undefined` stands for one that is missing. `temperature` is the first that measures. */
export function temperatureFields(celsius: readonly (number | undefined)[]): BatteryFields {
  const known: number[] = [];
  let low = 0;
  let high = 0;
  for (const value of celsius) {
    if (value === undefined) continue;
    if (known.length === 0 || value < low) low = value;
    if (known.length === 0 || value > high) high = value;
    known.push(value);
  }
  if (known.length === 0) return {};
  const fields: BatteryFields = { temperature: known[0]!, temp_min: low, temp_max: high };
  if (known.length === celsius.length) fields.temperatures = known;
  return fields;
}

/** Numbers of the set bits, the lowest bit being number 1. */
export function bitNumbers(mask: number, from = 1): number[] {
  const numbers: number[] = [];
  for (let bit = 0; bit < 32 && mask >>> bit > 0; bit++) if ((mask >>> bit) & 1) numbers.push(from + bit);
  return numbers;
}
