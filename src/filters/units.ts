/** Spellings of units as sources write them, in lower case → the unit's own name. */
const aliases: Readonly<Record<string, string>> = {
  '%': '%',
  percent: '%',
  percentage: '%',
  km: 'km',
  kilometer: 'km',
  kilometers: 'km',
  kilometre: 'km',
  kilometres: 'km',
  m: 'm',
  meter: 'm',
  meters: 'm',
  metre: 'm',
  metres: 'm',
  mi: 'mi',
  mile: 'mi',
  miles: 'mi',
  ft: 'ft',
  feet: 'ft',
  'km/h': 'km/h',
  kmh: 'km/h',
  kph: 'km/h',
  mph: 'mph',
  'm/s': 'm/s',
  w: 'W',
  watt: 'W',
  watts: 'W',
  kw: 'kW',
  wh: 'Wh',
  kwh: 'kWh',
  v: 'V',
  volt: 'V',
  volts: 'V',
  a: 'A',
  amp: 'A',
  ampere: 'A',
  amperes: 'A',
  pa: 'Pa',
  kpa: 'kPa',
  hpa: 'hPa',
  bar: 'bar',
  psi: 'psi',
  '°': '°',
  deg: '°',
  degree: '°',
  degrees: '°',
  '°c': '°C',
  c: '°C',
  celsius: '°C',
  '°f': '°F',
  f: '°F',
  fahrenheit: '°F',
  k: 'K',
  kelvin: 'K',
  ms: 'ms',
  s: 's',
  sec: 's',
  second: 's',
  seconds: 's',
  min: 'min',
  minute: 'min',
  minutes: 'min',
  h: 'h',
  hour: 'h',
  hours: 'h',
  ratio: 'ratio',
};

/** unit → [what it measures, factor to the base unit, offset]: base = value × factor + offset. */
const units: Readonly<Record<string, readonly [quantity: string, factor: number, offset?: number]>> = {
  '%': ['share', 1],
  ratio: ['share', 100],
  m: ['length', 1],
  km: ['length', 1000],
  mi: ['length', 1609.344],
  ft: ['length', 0.3048],
  'km/h': ['speed', 1],
  mph: ['speed', 1.609344],
  'm/s': ['speed', 3.6],
  W: ['power', 1],
  kW: ['power', 1000],
  Wh: ['energy', 1],
  kWh: ['energy', 1000],
  V: ['voltage', 1],
  A: ['current', 1],
  Pa: ['pressure', 1],
  hPa: ['pressure', 100],
  kPa: ['pressure', 1000],
  bar: ['pressure', 100_000],
  psi: ['pressure', 6894.757293168],
  '°': ['angle', 1],
  '°C': ['temperature', 1],
  '°F': ['temperature', 5 / 9, -160 / 9],
  K: ['temperature', 1, -273.15],
  ms: ['time', 0.001],
  s: ['time', 1],
  min: ['time', 60],
  h: ['time', 3600],
};

const own = <T>(table: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(table, key) ? table[key] : undefined;

/** The unit that a source means by `spelling` (`PERCENT`, `kilometers`, `Celsius`), or undefined. */
export function unitOf(spelling: string): string | undefined {
  return own(aliases, spelling) ?? own(aliases, spelling.trim().toLowerCase());
}

/** Converts a number; exact where nothing is to be converted, else free of the noise of binary fractions. */
export type Conversion = (value: number) => number;

const keep: Conversion = (value) => value;

/** 12 digits: more than any sensor has, fewer than the noise of a multiplication needs to show. */
export const clean = (value: number): number => Number(value.toPrecision(12));

/** The way from one unit to another; undefined when the two measure different things or one is not known. */
export function conversion(from: string, to: string): Conversion | undefined {
  if (from === to) return keep;
  const [quantity, factor, offset = 0] = own(units, from) ?? [];
  const [wanted, divisor, shift = 0] = own(units, to) ?? [];
  if (quantity === undefined || factor === undefined || divisor === undefined || quantity !== wanted) return undefined;
  const convert: Conversion = (value) => clean((value * factor + offset - shift) / divisor);
  // Whole watts are what cars send most, and need no cleaning, which takes ten times as long as the division.
  const isSimple = factor === 1 && offset === 0 && shift === 0;
  return isSimple ? (value) => (Number.isInteger(value) ? value / divisor : convert(value)) : convert;
}
