import { type CommandError, fail } from '../../runtime/exit.ts';

/** Credentials that a server refuses. */
export const refusal = (said: string): CommandError =>
  fail(
    'noPermission',
    `the server refuses the credentials: ${said}`,
    'Check influxdb.username and influxdb.password, or influxdb.token.',
  );

/** What a person must mend at the server or in the configuration before anything can be written. */
export const mustAct = (kind: 'noDatabase' | 'misconfigured', said: string): CommandError =>
  kind === 'noDatabase'
    ? fail('config', said, 'Make it with influx-setup --apply, or say --create-db.')
    : fail('config', said, 'See influx-setup(1) for databases and retention policies.');
