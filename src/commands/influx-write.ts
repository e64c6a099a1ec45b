import { createConnection } from '../clients/influx/connection.ts';
import { createNotes } from '../clients/influx/notes.ts';
import { receiptOf } from '../clients/influx/receipt.ts';
import { createRejects } from '../clients/influx/rejects.ts';
import { createWriter } from '../clients/influx/writer.ts';
import type { WriterEnd } from '../clients/influx/writer-model.ts';
import { createEncoder, type Encoder } from '../protocols/influx/encoder.ts';
import type { VoltRecord } from '../records/record.ts';
import { timestamp } from '../runtime/clock.ts';
import { defineCommand } from '../runtime/command.ts';
import type { Context } from '../runtime/context.ts';
import { counted } from '../runtime/counted.ts';
import { exit, fail } from '../runtime/exit.ts';
import type { Options } from '../runtime/options.ts';
import { shownUrl } from '../transports/http/failure.ts';
import { credentialsOf, serverClient, serverOptions, targetOf } from './influx-options.ts';
import { checkTags, staticTagsOf, tagOptions } from './influx-tags.ts';
import { influxWriteSections } from './influx-write-manual.ts';

const options = {
  ...serverOptions,
  enabled: {
    type: 'flag',
    configOnly: true,
    key: 'influxdb.enabled',
    env: ['BATTERYHAWK_INFLUXDB_ENABLED'],
    default: true,
    summary: 'write at all; when false, records are read and neither written nor acknowledged: a spool keeps them',
  },
  rp: { type: 'string', value: 'NAME', key: 'influxdb.retentionPolicy', summary: 'retention policy (1.x)' },
  createDb: {
    type: 'flag',
    key: 'influxdb.createDatabase',
    summary: 'make the database when it is not there (1.x, 3)',
  },
  ...tagOptions,
  intFields: {
    type: 'list',
    value: 'KEY,…',
    key: 'influxdb.intFields',
    summary: 'fields to write as integers; every other number is a float',
  },
  stringFields: {
    type: 'list',
    value: 'KEY,…',
    key: 'influxdb.stringFields',
    summary: 'texts to write; no other one is',
  },
  nested: {
    type: 'choice',
    choices: ['flatten', 'skip'],
    default: 'flatten',
    summary: 'objects in a record: take them apart, or leave them out',
  },
  precision: { type: 'choice', choices: ['ms', 's'], default: 'ms', summary: 'precision of the time stamps' },
  batch: { type: 'integer', default: 2500, min: 1, max: 100_000, summary: 'lines in a request at most' },
  flush: { type: 'duration', default: 1000, min: 1, summary: 'how long a line waits for others' },
  inFlight: { type: 'integer', default: 2, min: 1, max: 16, summary: 'requests under way at once', rare: true },
  gzip: {
    type: 'flag',
    key: 'influxdb.gzip',
    summary: 'compress what is sent: for a thin line, not for the server next door',
  },
  queue: { type: 'integer', default: 10_000, min: 1, summary: 'records held in memory at most' },
  onUnavailable: {
    type: 'choice',
    choices: ['drop', 'block'],
    summary: 'when the server takes nothing and the queue is full: drop the oldest, or read no more (see OUTAGES)',
  },
  patience: {
    type: 'duration',
    default: 60_000,
    summary: 'how long a server that takes nothing is tried after the end of input (see OUTAGES)',
    rare: true,
  },
  maxBisect: {
    type: 'integer',
    default: 200,
    min: 0,
    summary: 'requests that may be spent on finding the lines of a batch that the server rejects',
    rare: true,
  },
  rejects: {
    type: 'file',
    value: 'FILE|FD',
    summary: 'append the lines that the server rejects, with the reason, to a file or descriptor',
  },
  dryRun: { type: 'flag', summary: 'print the lines and send nothing' },
} as const satisfies Options;

type Ctx = Context<typeof options>;

/** Writes records to a time-series database. */
export const command = defineCommand({
  name: 'influx-write',
  kind: 'sink',
  input: 'required',
  writes: ['receipt'],
  format: 'record',
  longRunning: true,
  receipts: true,
  summary: 'writes records to InfluxDB 1.x, 2.x, 3 or VictoriaMetrics',
  description: `Reads records and writes each as one point: its type is the measurement, the keys that say what it is about (vin, device_id, device_name, device_type, vehicle_id, vehicle_name, charge_point, connector, source) are the tags, with those that --tag gives every point; every other number and boolean is a field, and its own time is the time of the point. A point that is written twice is one point in InfluxDB, so that nothing is counted double after a restart (VictoriaMetrics keeps both).

The server is influxdb.host and influxdb.port, or --url. What it is, it is asked, unless --api says so.

Lines go out in batches: when --batch lines are there, or after --flush. Two requests are under way at once, unless both hold a point of the same series and time; then the order is kept.`,
  options,
  sections: influxWriteSections,
  examples: [
    {
      text: 'See the lines, without a server',
      command: 'influx-write --dry-run',
      stdin:
        '{"type":"battery_reading","time":"2026-03-01T12:00:00.000Z","device_id":"AA:BB:CC:DD:EE:FF","device_name":"Starter","device_type":"bm6","voltage":12.6,"state_of_charge":88}\n',
      stdout:
        'battery_reading,device_id=AA:BB:CC:DD:EE:FF,device_name=Starter,device_type=bm6 voltage=12.6,state_of_charge=88 1772366400000\n',
    },
    {
      text: 'Every point says where it was measured',
      command: 'influx-write --dry-run --tag location=garage --tag host=pi',
      stdin:
        '{"type":"battery_reading","time":"2026-03-01T12:00:00.000Z","device_id":"AA:BB:CC:DD:EE:FF","voltage":12.6}\n',
      stdout: 'battery_reading,device_id=AA:BB:CC:DD:EE:FF,host=pi,location=garage voltage=12.6 1772366400000\n',
    },
    {
      text: 'Write one reading, with a receipt of what the server answered',
      command: 'influx-write --receipts',
      stdin:
        '{"type":"battery_reading","time":"2026-03-01T12:00:00.000Z","device_id":"AA:BB:CC:DD:EE:FF","voltage":12.6}\n',
      needs: ['influx'],
    },
    {
      text: 'The state of a BMW into InfluxDB and ABRP at once; each has a spool of its own, so that none waits for the other',
      command: 'bmw-stream | normalize | tee -p >(spool abrp -- abrp-push) | spool influx -- influx-write',
      notRun: 'needs a vehicle that moves for hours',
    },
    {
      text: 'Keep what the server rejects',
      command: 'influx-write --rejects rejects.ndjson --int-fields cycles --string-fields firmware',
      stdin:
        '{"type":"battery_reading","time":"2026-03-01T12:00:00.000Z","device_id":"AA:BB:CC:DD:EE:FF","cycles":12,"firmware":"1.4"}\n',
      needs: ['influx'],
    },
  ],
  seeAlso: ['simulate-influx(1)', 'voltpipe-records(5)'],
  check: (opts, _args, given) => checkTags(opts as Ctx['opts'], given),
  async *run(ctx) {
    const { opts } = ctx;
    const encoder = createEncoder({ ...opts, staticTags: staticTagsOf(opts) });
    if (opts.dryRun) yield* dryRun(ctx, encoder);
    else if (opts.enabled) return yield* write(ctx, encoder);
    else await ignore(ctx);
    return exit.ok;
  },
});

/** Nothing counts as delivered: a spool before it keeps the records until they are wanted. */
async function ignore(ctx: Ctx): Promise<void> {
  ctx.log.info('influxdb.enabled is false: nothing is written');
  let isSaid = false;
  for await (const _ of ctx.input) {
    if (isSaid || !ctx.upstreamWaits) continue;
    ctx.log.warn('influxdb.enabled is false: no record is acknowledged, and who keeps them goes on keeping them');
    isSaid = true;
  }
}

/** Nothing counts as delivered. */
async function* dryRun(ctx: Ctx, encoder: Encoder): AsyncGenerator<string> {
  const notes = createNotes(ctx.log, ctx.clock, '');
  for await (const record of ctx.input) {
    const line = encoder.encode(record);
    if (line === undefined) notes.skipped(encoder.skipped!, record);
    else yield line;
  }
  notes.sumUp();
}

async function* write(ctx: Ctx, encoder: Encoder): AsyncGenerator<VoltRecord, number> {
  const { opts, clock, log } = ctx;
  const target = targetOf(opts, opts.rp);
  const points = ctx.metric('points_total', 'points by result');
  const lastWrite = ctx.metric('last_write_timestamp_seconds', 'when the server last took a batch');
  const receipts = ctx.queue({ max: 1000, policy: 'pause' });
  const http = serverClient(ctx);
  const notes = createNotes(log, clock, shownUrl(target.url).replace(/\/$/, ''));
  const rejects = createRejects(opts.rejects, log, clock, ctx.deadline);
  const connection = createConnection({
    http,
    clock,
    log,
    target,
    api: opts.api,
    precision: opts.precision,
    credentials: () => credentialsOf(ctx),
    gzip: opts.gzip,
    texts: (opts.stringFields ?? []).length > 0,
    timeout: opts.readTimeout,
    signal: ctx.deadline,
  });
  ctx.onReload(() => connection.forget());
  const writer = createWriter({
    connection,
    encoder,
    clock,
    notes,
    batch: opts.batch,
    flush: opts.flush,
    queue: Math.max(opts.queue, opts.batch),
    onUnavailable: () => opts.onUnavailable ?? (ctx.upstreamWaits ? 'block' : 'drop'),
    inFlight: opts.inFlight,
    maxBisect: opts.maxBisect,
    createDatabase: opts.createDb,
    patience: opts.patience,
    deadline: ctx.deadline,
    onDelivered: (n) => ctx.delivered(n),
    onRejects(list) {
      points.add(list.length, { result: 'rejected' });
      return rejects.keep(list, timestamp(clock.now()));
    },
    onDelivery(batch, delivery) {
      if (delivery.stopped) ctx.unready(`server: ${(delivery.stopped as { message: string }).message}`);
      else {
        points.add(delivery.stored, { result: 'stored' });
        lastWrite.set(clock.now() / 1000);
        ctx.alive();
      }
      receipts.push(receiptOf(batch, delivery, timestamp(clock.now())));
    },
  });
  ctx.signal.addEventListener('abort', () => writer.hurry(), { once: true });

  let status: number = exit.ok;
  const read = async (): Promise<void> => {
    for await (const record of ctx.input) {
      const full = writer.take(record);
      if (full) await full;
    }
    status = statusOf(await writer.finish(), ctx);
  };
  void receipts.endWith(Promise.race([writer.failed, read()]));
  try {
    yield* receipts;
    return status;
  } finally {
    notes.sumUp();
    if (encoder.notIntegers > 0)
      log.warn(`${counted(encoder.notIntegers, 'value')} of --int-fields left out: no integer`);
    writer.close();
    rejects.close();
    await http.close();
  }
}

/** @throws exit status 69 when something was not delivered */
function statusOf({ unsent, dropped, rejected, why }: WriterEnd, { signal }: Ctx): number {
  if (unsent > 0) {
    throw fail(
      'unavailable',
      `${counted(unsent, 'record')} not delivered: ${why === '' ? 'no answer' : why}`,
      signal.aborted ? undefined : 'A spool before influx-write keeps them.',
    );
  }
  if (dropped > 0) return exit.unavailable;
  return rejected > 0 ? exit.protocol : exit.ok;
}
