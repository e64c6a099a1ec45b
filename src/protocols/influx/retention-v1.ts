import { quoted } from './requests.ts';
import { type RetentionPlan, retentionHours } from './retention.ts';

/** A retention policy of 1.x. */
export interface Policy {
  name: string;
  /** Hours; 0: for ever. */
  hours: number;
  shardHours: number;
  isDefault: boolean;
}

/** A continuous query of 1.x. */
export interface ContinuousQuery {
  name: string;
  statement: string;
}

/** A shard may not be longer than its policy. */
const policy = (name: string, text: string, longestShard: number, isDefault = false): Policy => {
  const hours = retentionHours(text);
  return { name, hours, shardHours: hours === 0 ? longestShard : Math.min(longestShard, hours), isDefault };
};

/** The policies of a plan: detail, hours, days; in shards of a day, a month, a year. */
export const policiesOf = ({ weeks, monthly, yearly }: RetentionPlan): readonly Policy[] => [
  policy('weeks', weeks, 24, true),
  policy('monthly', monthly, 720),
  policy('yearly', yearly, 8760),
];

const duration = (hours: number): string => (hours === 0 ? 'INF' : hours % 24 === 0 ? `${hours / 24}d` : `${hours}h`);

/** `CREATE` or `ALTER`: 1.x does not change a policy by creating it again. */
export function policyStatement(
  verb: 'CREATE' | 'ALTER',
  database: string,
  { name, hours, shardHours, isDefault }: Policy,
): string {
  return `${verb} RETENTION POLICY ${quoted(name)} ON ${quoted(database)} DURATION ${duration(hours)} REPLICATION 1 SHARD DURATION ${duration(shardHours)}${isDefault ? ' DEFAULT' : ''}`;
}

/** Counts become floats: what `rollup` writes into the same field are floats. */
const functions: Readonly<Record<string, (field: string) => string>> = {
  n: (field) => `count(${field}) * 1.0`,
  sum: (field) => `sum(${field}) * 1.0`,
  min: (field) => `min(${field})`,
  max: (field) => `max(${field})`,
  mean: (field) => `mean(${field})`,
  first: (field) => `first(${field})`,
  last: (field) => `last(${field})`,
};

const sizes = [
  { size: '1h', policy: 'monthly', resample: 'RESAMPLE EVERY 10m FOR 3h' },
  { size: '1d', policy: 'yearly', resample: 'RESAMPLE EVERY 1h FOR 3d' },
] as const;

const selection = (fields: readonly string[]): string =>
  fields
    .flatMap((field) =>
      Object.entries(functions).map(([part, make]) => `${make(quoted(field))} AS ${quoted(`${field}_${part}`)}`),
    )
    .join(', ');

/**
 * Hours and days of each measurement, both made of the readings, so that means are means of readings. Calendar months and years are
 * none that 1.x knows.
 */
export function continuousQueries({ database, measurements }: RetentionPlan): ContinuousQuery[] {
  return measurements.flatMap(({ name, fields }) =>
    sizes.map(({ size, policy, resample }) => {
      const cq = `${name}_${size}`;
      const into = [database, policy, cq].map(quoted).join('.');
      const from = [database, 'weeks', name].map(quoted).join('.');
      return {
        name: cq,
        statement: `CREATE CONTINUOUS QUERY ${quoted(cq)} ON ${quoted(database)} ${resample} BEGIN SELECT ${selection(fields)} INTO ${into} FROM ${from} GROUP BY time(${size}), * END`,
      };
    }),
  );
}

/** The same once over readings since a time (RFC 3339, the start of a day): what came later than a continuous query looks back. */
export function backfillStatements({ database, measurements }: RetentionPlan, since: string): string[] {
  return measurements.flatMap(({ name, fields }) =>
    sizes.map(({ size, policy }) => {
      const into = [database, policy, `${name}_${size}`].map(quoted).join('.');
      const from = [database, 'weeks', name].map(quoted).join('.');
      return `SELECT ${selection(fields)} INTO ${into} FROM ${from} WHERE time >= '${since}' GROUP BY time(${size}), *`;
    }),
  );
}

/** All statements, for a server that has nothing of it yet. */
export const statementsV1 = (plan: RetentionPlan): string[] => [
  `CREATE DATABASE ${quoted(plan.database)}`,
  ...policiesOf(plan).map((policy) => policyStatement('CREATE', plan.database, policy)),
  ...continuousQueries(plan).map(({ statement }) => statement),
];
