import { type RetentionPlan, retentionHours } from './retention.ts';

const shell = (value: string): string => `'${value.replaceAll("'", "'\\''")}'`;

/** Of 3 Core: `0d` would delete everything, for ever is `none`. */
const retention = (text: string): string => (retentionHours(text) === 0 ? 'none' : `${retentionHours(text)}h`);

/**
 * Commands of the `influxdb3` program. Retention is that of a database, set when it is made; downsampling is a plugin that has to be
 * installed. As documented: there is no server here to show it.
 */
export const commandsV3 = (plan: RetentionPlan): string[] => [
  `influxdb3 create database --retention-period ${retention(plan.weeks)} ${shell(plan.database)}`,
  `influxdb3 create database --retention-period ${retention(plan.monthly)} ${shell(`${plan.database}_monthly`)}`,
  `influxdb3 create database --retention-period ${retention(plan.yearly)} ${shell(`${plan.database}_yearly`)}`,
  ...plan.measurements.flatMap(({ name }) =>
    [
      { size: '1h', every: '1h', window: '6h', into: '_monthly' },
      { size: '1d', every: '6h', window: '3d', into: '_yearly' },
    ].map(
      ({ size, every, window, into }) =>
        `influxdb3 create trigger --database ${shell(plan.database)} --path "gh:influxdata/downsampler/downsampler.py" --trigger-spec "every:${every}" --trigger-arguments ${shell(`source_measurement=${name},target_measurement=${name}_${size},interval=${size},window=${window},calculations=avg,target_database=${plan.database}${into}`)} ${shell(`${name}_${size}`)}`,
    ),
  ),
];

/** What there is to do for VictoriaMetrics. */
export const commandsVm = ({ yearly }: RetentionPlan): string[] => [
  '# VictoriaMetrics has one retention for all, a month unless told, and downsampling in its paid edition alone.',
  `# Start it with -retentionPeriod=${retentionHours(yearly) === 0 ? '100y' : `${retentionHours(yearly)}h`} and let rollup make hours, days, months and years.`,
];
