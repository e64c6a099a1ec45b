/**
 * The odometer's unit.
 *
 * BMW often sends the distance without a unit, and cars set to miles change between miles and kilometres from one message to the
 * next. A distance that only grows tells which it was: both readings are held against the last one, and the plausible one is taken. A
 * reading that is plausible in neither unit waits until a second one agrees with it (the vehicle was silent for long, or the first
 * reading was the wrong one).
 */

/** What is remembered of one vehicle's odometer; plain data, for the saved state. */
export interface OdometerMemory {
  km?: number;
  time?: number;
  /** Kilometres a unit of the last reading: what a reading without unit is tried with first. */
  factor?: number;
  /** A reading that fits nothing so far. */
  suspect?: { raw: number; factor: number | undefined; time: number };
}

const kilometresPerMile = 1.609344;
/** Readings are rounded, and a mile's rounding is the coarser. */
const slack = 2;
/** Faster than any trip: 250 km/h all the time between two readings, and something for clocks that differ. */
const fastest = (ms: number): number => (250 * ms) / 3_600_000 + 50;

const follows = (km: number, time: number, last: number, lastTime: number): boolean =>
  km >= last - slack && km - last <= fastest(Math.max(0, time - lastTime));

/**
 * The kilometres of one reading, and the memory is brought up to date.
 *
 * @param factor kilometres a unit where the source names the unit, else undefined
 * @param assumed the same for a first reading whose unit nobody names
 * @returns undefined while the reading is not believed
 */
export function readOdometer(
  memory: OdometerMemory,
  raw: number,
  factor: number | undefined,
  assumed: number,
  time: number,
): number | undefined {
  const { km, time: lastTime = 0, suspect } = memory;
  const factors = factor === undefined ? likely(memory.factor ?? assumed) : [factor];
  const accept = (by: number): number => {
    memory.km = Number((raw * by).toPrecision(12));
    memory.time = time;
    memory.factor = by;
    delete memory.suspect;
    return memory.km;
  };
  if (km === undefined) return accept(factors[0] ?? 1);
  const fitting = factors.find((by) => follows(raw * by, time, km, lastTime));
  if (fitting !== undefined) return accept(fitting);
  const agrees = suspect && suspect.time < time && follows(raw, time, suspect.raw, suspect.time);
  if (agrees && suspect.factor === factor) return accept(factors[0] ?? 1);
  memory.suspect = { raw, factor, time };
  return undefined;
}

const likely = (first: number): number[] => [first, first === 1 ? kilometresPerMile : 1];
