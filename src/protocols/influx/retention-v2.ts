import { type RetentionPlan, retentionHours } from './retention.ts';

/** A bucket of 2.x. */
export interface Bucket {
  name: string;
  /** Seconds; 0: for ever. */
  seconds: number;
}

/** A task of 2.x. */
export interface Task {
  name: string;
  flux: string;
}

/** Detail in the bucket of the database's name, hours and days and months in two beside it. */
export const bucketsOf = ({ database, weeks, monthly, yearly }: RetentionPlan): readonly Bucket[] => [
  { name: database, seconds: retentionHours(weeks) * 3600 },
  { name: `${database}_monthly`, seconds: retentionHours(monthly) * 3600 },
  { name: `${database}_yearly`, seconds: retentionHours(yearly) * 3600 },
];

const sizes = [
  { size: '1h', into: '_monthly', every: '1h', offset: '5m', back: '-3h' },
  { size: '1d', into: '_yearly', every: '1h', offset: '10m', back: '-3d' },
  { size: '1mo', into: '_yearly', every: '1d', offset: '1h', back: '-1d' },
] as const;

/** Field part → function of Flux. */
const functions = {
  n: 'count',
  sum: 'sum',
  min: 'min',
  max: 'max',
  mean: 'mean',
  first: 'first',
  last: 'last',
} as const;

const text = (value: string): string => JSON.stringify(value);

/**
 * Tasks that make hours, days and months of the readings themselves. The range begins where a window does: one that is cut would
 * overwrite the whole one. Windows carry the time of their start, as those of `rollup` and of 1.x do.
 */
export function tasksOf({ database, measurements }: RetentionPlan): Task[] {
  return measurements.flatMap(({ name, fields }) =>
    sizes.map(({ size, into, every, offset, back }) => ({
      name: `${name}_${size}`,
      flux: `import "date"

option task = {name: ${text(`${name}_${size}`)}, every: ${every}, offset: ${offset}}

data = from(bucket: ${text(database)})
    |> range(start: date.truncate(t: ${back}, unit: ${size}))
    |> filter(fn: (r) => r._measurement == ${text(name)} and contains(value: r._field, set: [${fields.map(text).join(', ')}]))

part = (fn, suffix) => data
    |> aggregateWindow(every: ${size}, fn: fn, createEmpty: false, timeSrc: "_start")
    |> map(fn: (r) => ({r with _measurement: ${text(`${name}_${size}`)}, _field: r._field + suffix, _value: float(v: r._value)}))

union(tables: [
${Object.entries(functions)
  .map(([suffix, fn]) => `    part(fn: ${fn}, suffix: ${text(`_${suffix}`)}),`)
  .join('\n')}
])
    |> to(bucket: ${text(`${database}${into}`)})
`,
    })),
  );
}

const shell = (value: string): string => `'${value.replaceAll("'", "'\\''")}'`;

/** The same as commands of the `influx` program of 2.x. */
export const commandsV2 = (plan: RetentionPlan, org: string): string[] => [
  ...bucketsOf(plan).map(
    ({ name, seconds }) =>
      `influx bucket create --org ${shell(org)} --name ${shell(name)} --retention ${seconds === 0 ? '0' : `${seconds / 3600}h`}`,
  ),
  ...tasksOf(plan).map(({ flux }) => `influx task create --org ${shell(org)} <<'FLUX'\n${flux}FLUX`),
];
