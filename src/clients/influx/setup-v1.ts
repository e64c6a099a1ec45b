import { messageOf } from '../../protocols/influx/answer.ts';
import { authorization, type Credentials, queryUrl, quoted, type Target } from '../../protocols/influx/requests.ts';
import type { RetentionPlan } from '../../protocols/influx/retention.ts';
import { continuousQueries, policiesOf, policyStatement } from '../../protocols/influx/retention-v1.ts';
import { fail } from '../../runtime/exit.ts';
import type { HttpClient } from '../../transports/http/client.ts';
import { jsonAnswer } from './failures.ts';

/** A row of an answer to a query of 1.x. */
type Row = Readonly<Record<string, unknown>>;

interface Result {
  error?: string;
  series?: { name?: string; columns: string[]; values?: unknown[][] }[];
}

/** Runs statements of InfluxQL. */
export interface QueryClient {
  /** The rows of all series, each with its series' name. Throws what the server says is wrong: 77 for who asks, else 69. */
  query(statement: string): Promise<(Row & { series: string })[]>;
}

/** `/query` answers 200 also to what went wrong. */
export function queryClient(
  http: HttpClient,
  target: Target,
  credentials: Credentials,
  timeoutMs: number,
): QueryClient {
  return {
    async query(statement) {
      const answer = await http.call({
        method: 'POST',
        url: queryUrl(target),
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...authorization('v1', credentials) },
        body: new URLSearchParams({ q: statement }).toString(),
        timeoutMs,
      });
      if (answer.status === 401 || answer.status === 403)
        throw fail('noPermission', messageOf(answer), 'Check influxdb.username and influxdb.password.');
      if (answer.status >= 300) throw fail('unavailable', `${statement}: ${messageOf(answer)}`);
      const { results = [] } = jsonAnswer(answer) as { results?: Result[] };
      const wrong = results.find(({ error }) => error !== undefined)?.error;
      if (wrong !== undefined) throw fail('protocol', `${statement}: ${wrong}`);
      return results.flatMap(({ series = [] }) =>
        series.flatMap(({ name = '', columns, values = [] }) =>
          values.map((row) => ({
            series: name,
            ...Object.fromEntries(columns.map((column, index) => [column, row[index]])),
          })),
        ),
      );
    },
  };
}

/** `1344h0m0s` → 1344 */
const hoursOf = (text: unknown): number => Number(/^(\d+)h/.exec(String(text))?.[1] ?? 0);

/** A statement as the server shows it: without quotes where none are needed, and with spaces of its own. */
const plain = (statement: string): string => statement.replace(/["\s]/g, '').replace(/1\.0+/g, '1').toLowerCase();

/**
 * Makes what is not there, changes what is different, leaves the rest. Yields a line for each: `created …`, `changed …`,
 * `unchanged …`.
 */
export async function* applyV1({ query }: QueryClient, plan: RetentionPlan): AsyncGenerator<string> {
  const { database } = plan;
  const on = quoted(database);
  const databases = await query('SHOW DATABASES');
  const isThere = databases.some(({ name }) => name === database);
  if (!isThere) await query(`CREATE DATABASE ${on}`);
  yield `${isThere ? 'unchanged' : 'created'} database ${database}`;

  const policies = await query(`SHOW RETENTION POLICIES ON ${on}`);
  for (const policy of policiesOf(plan)) {
    const found = policies.find(({ name }) => name === policy.name);
    const same =
      found !== undefined &&
      hoursOf(found.duration) === policy.hours &&
      hoursOf(found.shardGroupDuration) === policy.shardHours &&
      (found.default === true || !policy.isDefault);
    if (!same) await query(policyStatement(found ? 'ALTER' : 'CREATE', database, policy));
    yield `${same ? 'unchanged' : found ? 'changed' : 'created'} retention policy ${policy.name}`;
  }

  const queries = (await query('SHOW CONTINUOUS QUERIES')).filter(({ series }) => series === database);
  for (const { name, statement } of continuousQueries(plan)) {
    const found = queries.find((one) => one.name === name);
    const same = found !== undefined && plain(String(found.query)) === plain(statement);
    if (found && !same) await query(`DROP CONTINUOUS QUERY ${quoted(name)} ON ${on}`);
    if (!same) await query(statement);
    yield `${same ? 'unchanged' : found ? 'changed' : 'created'} continuous query ${name}`;
  }
}
