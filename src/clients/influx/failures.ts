import { type CommandError, fail } from '../../runtime/exit.ts';

/** Credentials that a server refuses. */
export const refusal = (said: string): CommandError =>
  fail(
    'noPermission',
    `the server refuses the credentials: ${said}`,
    'Check influxdb.username and influxdb.password, or influxdb.token.',
  );

/** The next step, by what the server says is missing. */
const nextSteps: readonly [RegExp, string][] = [
  [/^organi[sz]ation/i, 'Name it with --org, or influxdb.org.'],
  [/^bucket/i, 'Make it with influx-setup --apply.'],
  [/(?:)/, 'Make it with influx-setup --apply, or say --create-db.'],
];

/** What a person must mend at the server or in the configuration before anything can be written. */
export const mustAct = (kind: 'noDatabase' | 'misconfigured', said: string): CommandError =>
  kind === 'noDatabase'
    ? fail('config', said, nextSteps.find(([what]) => what.test(said))?.[1])
    : fail('config', said, 'See influx-setup(1) for databases and retention policies.');
