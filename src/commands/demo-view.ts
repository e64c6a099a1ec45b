import type { ChalkInstance } from 'chalk';

/** What is to be seen of the BMW demo at one moment. */
export interface DemoState {
  /** Messages that the car's broker has sent. */
  messages: number;
  /** Descriptor, value and unit of the last of them. */
  lastValue: string;
  /** Points that ABRP has taken. */
  points: number;
  /** The newest point, in ABRP's names and units. */
  tlm: Readonly<Record<string, unknown>>;
}

const number = (value: unknown, digits = 0): string | undefined =>
  typeof value === 'number' ? value.toFixed(digits) : undefined;

const withUnit = (value: string | undefined, unit: string): string | undefined => value && `${value} ${unit}`;

const isTrue = (flag: unknown): boolean => flag === true || flag === 1;
const isFalse = (flag: unknown): boolean => flag === false || flag === 0;

/** What the car does, as far as the point says; ABRP counts power into the battery as negative. */
function activity({ is_charging, is_parked, power }: DemoState['tlm']): string | undefined {
  if (isTrue(is_charging)) {
    const kw = typeof power === 'number' ? withUnit(number(-power, 1), 'kW') : undefined;
    return kw ? `charging with ${kw}` : 'charging';
  }
  if (isTrue(is_parked)) return 'parked';
  return isFalse(is_parked) ? 'driving' : undefined;
}

const position = ({ lat, lon }: DemoState['tlm']): string | undefined => {
  const [north, east] = [number(lat, 4), number(lon, 4)];
  return north && east && `${north} ${east}`;
};

/** One line for one point, for what is no terminal. */
export function pointLine({ tlm, points, messages }: DemoState): string {
  const time = typeof tlm.utc === 'number' ? new Date(tlm.utc * 1000).toISOString().slice(11, 19) : '';
  const parts = [
    time,
    withUnit(number(tlm.soc), '%'),
    activity(tlm),
    position(tlm),
    withUnit(number(tlm.est_battery_range), 'km to go'),
    `(${points} points from ${messages} messages)`,
  ];
  return parts.filter(Boolean).join('  ');
}

const barWidth = 24;

function bar(soc: unknown, paint: ChalkInstance): string {
  if (typeof soc !== 'number') return '';
  const full = Math.round((Math.min(100, Math.max(0, soc)) / 100) * barWidth);
  return `${paint.green('█'.repeat(full))}${paint.dim('░'.repeat(barWidth - full))}`;
}

/** The live view: what goes in, what comes out, and the newest point in rows. */
export function liveView(state: DemoState, columns: number, paint: ChalkInstance): string {
  const { tlm, messages, lastValue, points } = state;
  const soc = withUnit(number(tlm.soc), '%');
  const rows: [string, string | undefined][] = [
    ['state of charge', soc && `${soc.padStart(5)}  ${bar(tlm.soc, paint)}`],
    ['the car is', activity(tlm)],
    ['position', position(tlm)],
    ['range', withUnit(number(tlm.est_battery_range), 'km')],
    ['odometer', withUnit(number(tlm.odometer), 'km')],
  ];
  const head = `  BMW has sent   ${String(messages).padStart(6)} messages   `;
  const known = rows.filter(([, value]) => value !== undefined);
  return [
    '',
    head + paint.dim(lastValue.slice(0, Math.max(0, columns - head.length - 1))),
    `  ABRP has taken ${String(points).padStart(6)} points`,
    '',
    ...known.map(([name, value]) => `  ${paint.dim(name.padEnd(17))}${value}`),
  ].join('\n');
}
