import { mustAct } from '../clients/influx/failures.ts';
import { applyV1, queryClient } from '../clients/influx/setup-v1.ts';
import { apiClient, applyV2 } from '../clients/influx/setup-v2.ts';
import { type Api, apiUrl, authorization, type Credentials, type Target } from '../protocols/influx/requests.ts';
import { isRetention, type RetentionPlan } from '../protocols/influx/retention.ts';
import { backfillStatements, statementsV1 } from '../protocols/influx/retention-v1.ts';
import { commandsV2 } from '../protocols/influx/retention-v2.ts';
import { commandsV3, commandsVm } from '../protocols/influx/retention-v3.ts';
import { identify } from '../protocols/influx/server.ts';
import { vocabulary } from '../records/vocabulary.ts';
import { timestamp } from '../runtime/clock.ts';
import { defineCommand } from '../runtime/command.ts';
import type { Context } from '../runtime/context.ts';
import { exit, fail } from '../runtime/exit.ts';
import type { Options } from '../runtime/options.ts';
import type { HttpClient } from '../transports/http/client.ts';
import { HttpFailure } from '../transports/http/failure.ts';
import { credentialsOf, serverClient, serverOptions, targetOf } from './influx-options.ts';

const options = {
  ...serverOptions,
  apply: { type: 'flag', summary: 'do it, instead of printing what there is to do (1.x, 2.x)' },
  weeks: { type: 'string', value: 'DURATION', default: '8w', summary: 'how long readings are kept: 48h, 60d, 8w, inf' },
  monthly: { type: 'string', value: 'DURATION', default: '1825d', summary: 'how long hours are kept' },
  yearly: { type: 'string', value: 'DURATION', default: 'inf', summary: 'how long days, months and years are kept' },
  downsample: {
    type: 'flag',
    default: true,
    summary: 'have the database itself make hours and days; switch it off where rollup does',
  },
  types: {
    type: 'list',
    value: 'TYPE,…',
    default: ['battery_reading'],
    summary: 'types of readings of which hours and days are made',
  },
  fields: {
    type: 'list',
    value: 'FIELD,…',
    summary: 'their fields; without it those of voltpipe-records(5) that are numbers with a fraction',
  },
  backfill: {
    type: 'duration',
    summary: 'also make hours and days of what was measured since then: 30d (1.x)',
  },
} as const satisfies Options;

type Ctx = Context<typeof options>;

const day = 86_400_000;

/** Makes a database ready for weeks of detail, months of hours and years of days. */
export const command = defineCommand({
  name: 'influx-setup',
  kind: 'tool',
  input: 'none',
  format: 'text',
  summary: 'prints or applies databases, retention and downsampling of InfluxDB',
  description: `Prints the statements that make a database keep readings for weeks, hours for years and days for ever (1.x: InfluxQL, for the program influx; 2.x and 3: commands of their programs). With --apply it does so itself, for 1.x and 2.x: what is there already and as it shall be is left alone, so that it can be run again at any time, and each line says what was created, changed or unchanged.

Without --apply no server is needed if --api says what it is; auto asks it.

Hours and days have the measurement and field names of rollup (battery_reading_1h with voltage_n, voltage_sum, voltage_min, voltage_max, voltage_mean, voltage_first, voltage_last), so that a dashboard does not mind who made them. Let one of the two do it: with rollup, say --no-downsample.`,
  options,
  sections: [
    {
      title: 'WHAT DATABASES CAN',
      text: `1.x: retention policies weeks (the default one), monthly and yearly in one database. Continuous queries make hours every ten minutes and days every hour, in UTC. They look back 3 hours and 3 days: for what came later, as from a spool, say --backfill. Months and years of the calendar it can not make: rollup does.

2.x: a bucket for readings and two beside it, _monthly and _yearly; mappings, so that InfluxQL finds them as policies of one database; tasks for hours, days and months.

3: retention belongs to a database and is set when it is made; there are no tasks in Core, but a plugin. A query reaches back 72 hours unless --query-file-limit is raised.

VictoriaMetrics: one retention for all, a month unless -retentionPeriod says otherwise. rollup makes the rest.

What stands here of 2.x and 3 is made after their documentation and was tried against simulate influx alone.`,
    },
  ],
  examples: [
    {
      text: 'See the statements for InfluxDB 1.x',
      command: 'influx-setup --api v1 --fields voltage --no-downsample',
      stdout: `CREATE DATABASE "battery_hawk";
CREATE RETENTION POLICY "weeks" ON "battery_hawk" DURATION 56d REPLICATION 1 SHARD DURATION 1d DEFAULT;
CREATE RETENTION POLICY "monthly" ON "battery_hawk" DURATION 1825d REPLICATION 1 SHARD DURATION 30d;
CREATE RETENTION POLICY "yearly" ON "battery_hawk" DURATION INF REPLICATION 1 SHARD DURATION 365d;
`,
    },
    { text: 'Do it', command: 'influx-setup --apply', needs: ['influx'] },
    { text: 'Commands for InfluxDB 3', command: 'influx-setup --api v3' },
  ],
  seeAlso: ['influx-write(1)', 'rollup(1)', 'simulate-influx(1)'],
  check(opts) {
    for (const name of ['weeks', 'monthly', 'yearly']) {
      if (!isRetention(String(opts[name])))
        throw fail(
          'usage',
          `--${name} ${String(opts[name])}: expected 48h, 60d, 8w or inf, and no more than 292 years`,
        );
    }
  },
  async *run(ctx) {
    const target = targetOf(ctx.opts);
    const http = serverClient(ctx);
    try {
      const credentials = await credentialsOf(ctx);
      const api = ctx.opts.api === 'auto' ? await ask(http, target, credentials, ctx) : ctx.opts.api;
      if (ctx.opts.apply) yield* apply(http, api, target, credentials, ctx);
      else yield* statements(api, ctx);
    } catch (error) {
      if (!(error instanceof HttpFailure)) throw error;
      if (error.code === 'tls') throw mustAct('foreign', error.message);
      throw fail(
        'unavailable',
        error.message,
        ctx.opts.apply ? undefined : 'Say what the server is with --api, and none is asked.',
      );
    } finally {
      await http.close();
    }
    return exit.ok;
  },
});

function planOf({ opts }: Ctx): RetentionPlan {
  const { database, weeks, monthly, yearly, downsample, types } = opts;
  const measurements = downsample ? types.map((name) => ({ name, fields: fieldsOf(name, opts.fields) })) : [];
  return { database, weeks, monthly, yearly, measurements };
}

function fieldsOf(type: string, named: readonly string[]): readonly string[] {
  if (named.length > 0) return named;
  const family = vocabulary.find((one) => one.type === type);
  if (!family) throw fail('usage', `--types ${type}: not in voltpipe-records(5)`, 'Name its fields with --fields.');
  return family.keys.filter(({ kind, name }) => kind === 'number' && name !== 'utc').map(({ name }) => name);
}

async function ask(http: HttpClient, target: Target, credentials: Credentials, { opts }: Ctx): Promise<Api> {
  const get = (path: string) =>
    http.call({
      method: 'GET',
      url: apiUrl(target, path),
      headers: authorization('v3', credentials),
      timeoutMs: opts.readTimeout,
    });
  const server = identify(await get('/ping'), await get('/health'));
  if (!server)
    throw fail(
      'config',
      `${target.url}: neither InfluxDB nor VictoriaMetrics answers there`,
      'Say what it is with --api.',
    );
  return server.api;
}

/** Statements of 1.x that make up for what came late, from the start of a day on. */
function backfill(plan: RetentionPlan, { opts, clock }: Ctx): string[] {
  if (opts.backfill === undefined) return [];
  return backfillStatements(plan, timestamp(Math.floor((clock.now() - opts.backfill) / day) * day));
}

function* statements(api: Api, ctx: Ctx): Generator<string> {
  const plan = planOf(ctx);
  if (api === 'v1') yield* [...statementsV1(plan), ...backfill(plan, ctx)].map((statement) => `${statement};`);
  else if (api === 'v2') yield* commandsV2(plan, ctx.opts.org ?? 'home');
  else yield* api === 'v3' ? commandsV3(plan) : commandsVm(plan);
}

async function* apply(
  http: HttpClient,
  api: Api,
  target: Target,
  credentials: Credentials,
  ctx: Ctx,
): AsyncGenerator<string> {
  const plan = planOf(ctx);
  const { org, readTimeout } = ctx.opts;
  if (api === 'v1') {
    const client = queryClient(http, target, credentials, readTimeout);
    yield* applyV1(client, plan);
    for (const statement of backfill(plan, ctx)) {
      await client.query(statement);
      yield `filled ${/INTO (\S+)/.exec(statement)?.[1] ?? ''}`;
    }
  } else if (api === 'v2') {
    if (!org) throw fail('config', 'no organisation', 'Set influxdb.org or --org.');
    yield* applyV2(apiClient(http, target, credentials, readTimeout), plan, org);
  } else
    throw fail(
      'usage',
      `--apply: ${api === 'v3' ? 'InfluxDB 3' : 'VictoriaMetrics'} is not set up over its interface`,
      'Without --apply it is said what there is to do.',
    );
}
