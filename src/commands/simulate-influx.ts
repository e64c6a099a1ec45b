import type { VoltRecord } from '../records/record.ts';
import { timestamp } from '../runtime/clock.ts';
import { defineCommand } from '../runtime/command.ts';
import { parseListen } from '../runtime/http.ts';
import type { Options } from '../runtime/options.ts';
import { type InfluxFault, influxFaults } from '../simulators/influx/faults.ts';
import { startInflux } from '../simulators/influx/index.ts';
import type { StoredPoint } from '../simulators/influx/store.ts';
import { cannotListen, listenOption, readFault, reported } from '../simulators/serving.ts';
import { writeConfig } from '../simulators/write-config.ts';

const options = {
  listen: listenOption,
  dialect: { type: 'choice', choices: ['1', '2', '3'], default: '2', summary: 'which InfluxDB it is' },
  database: {
    type: 'string',
    value: 'NAME',
    default: 'battery_hawk',
    summary: 'the database or bucket that is there',
  },
  org: { type: 'string', value: 'NAME', default: 'home', summary: 'the organisation (2.x)' },
  token: { type: 'secret', summary: 'the token to ask for; without one anybody may write' },
  fault: {
    type: 'string',
    repeatable: true,
    value: 'KEY=VALUE,…',
    summary: 'what goes wrong with the first requests, as status=503,times=3; see FAULTS',
  },
  writeConfig: {
    type: 'file',
    summary: 'write influxdb.url and what goes with it into this configuration file, beside what is in it',
  },
} as const satisfies Options;

/** The far side of `influx-write`. */
export const command = defineCommand({
  name: 'simulate influx',
  kind: 'tool',
  input: 'none',
  writes: ['endpoint', 'influx_point'],
  format: 'record',
  longRunning: true,
  summary: 'an InfluxDB that keeps points in memory, for influx-write and influx-setup',
  description: `Answers as InfluxDB does: 1.x as recorded from 1.6.7, 2.x and 3 as documented. It reads line protocol strictly, keeps the type of each field and rejects a line that has another, stores the good lines of a batch that has bad ones, and says so in the form of the version (--dialect).

The first line on stdout is an endpoint record with the address; then comes an influx_point record for each point stored. Runs until it is told to stop.

Of 2.x it also has organisations, buckets, tasks and mappings as far as influx-setup asks for them. There are no queries.`,
  options,
  sections: [
    {
      title: 'FAULTS',
      text: `A fault hits the next write, or as many as times says. Each --fault follows the one before it. While it runs, POST /control takes the same keys as a JSON object.

- status=503, message=TEXT: this HTTP status, in the server's own form
- retryAfter=30: a retry-after header
- delay=2000: milliseconds before the answer
- drop=before, drop=during: the connection is reset before anything is stored, or when it is
- reject=TEXT: lines with this text in it are rejected, the others stored
- tooLarge=1000: 413 to a body of more bytes
- times=3: how many writes it hits
- on=create: it hits the next time that a database or bucket is made, instead of a write; with status, message, retryAfter, delay and drop`,
    },
  ],
  examples: [
    { text: 'An InfluxDB 2 of your own on a free port', command: 'simulate influx', interruptAfter: 2 },
    {
      text: 'Have influx-write find it, and fail three times first',
      command: 'simulate influx --fault status=503,retryAfter=1,times=3 --write-config sim.yaml',
      interruptAfter: 2,
    },
    {
      text: 'Break the next connection of one that listens on port 8089',
      command: `curl -d '{"drop":"during"}' http://127.0.0.1:8089/control`,
      notRun: 'needs one that runs on port 8089',
    },
  ],
  seeAlso: ['influx-write(1)', 'influx-setup(1)', 'simulate-bmw(1)'],
  check(opts) {
    for (const text of opts.fault as readonly string[]) faultOf(text);
  },
  async *run(ctx) {
    const { clock, opts } = ctx;
    const token = await ctx.secret('token');
    const { host, port } = parseListen(opts.listen, '--listen');
    const points = ctx.queue({ max: 10_000, policy: 'drop-oldest' });
    const influx = await startInflux({
      host,
      port,
      dialect: opts.dialect,
      token,
      databases: [opts.database],
      org: opts.org,
      faults: opts.fault.map(faultOf),
      clock,
      onPoint: (point) => points.push(recordOf(point)),
    }).catch(cannotListen(opts.listen));
    try {
      if (opts.writeConfig !== undefined) {
        const { database, org, dialect } = opts;
        const more = { ...(dialect === '2' ? { org } : {}), ...(token === undefined ? {} : { token }) };
        await writeConfig(opts.writeConfig, { influxdb: { url: influx.url, database, ...more } });
      }
      const endpoint = { type: 'endpoint', time: timestamp(clock.now()), protocol: 'influx', url: influx.url };
      yield* reported(ctx, endpoint, points);
    } finally {
      await influx.close();
    }
  },
});

const faultOf = (text: string): InfluxFault => readFault(text, influxFaults.parse);

function recordOf({ database, measurement, tags, fields, time }: StoredPoint): VoltRecord {
  return {
    type: 'influx_point',
    time: timestamp(time),
    database,
    measurement,
    tags,
    fields: Object.fromEntries(Object.entries(fields).map(([name, { value }]) => [name, value])),
  };
}
