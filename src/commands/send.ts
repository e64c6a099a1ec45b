import { createLedger } from '../clients/ledger.ts';
import { openRejectsFile } from '../clients/rejects-file.ts';
import { createCourier } from '../clients/send/courier.ts';
import type { Delivery } from '../clients/send/courier-model.ts';
import { parseHeaders } from '../clients/send/headers.ts';
import type { Link } from '../clients/send/link.ts';
import { csvPayload, jsonPayload, type Payload } from '../clients/send/payload.ts';
import { createSendQueue } from '../clients/send/queue.ts';
import { gapOf, receiptOf } from '../clients/send/report.ts';
import { schemeOf, schemes } from '../clients/send/schemes.ts';
import { parseTarget, type Target } from '../clients/send/target.ts';
import type { VoltRecord } from '../records/record.ts';
import { timestamp } from '../runtime/clock.ts';
import { defineCommand } from '../runtime/command.ts';
import type { Context } from '../runtime/context.ts';
import { counted } from '../runtime/counted.ts';
import { exit, fail } from '../runtime/exit.ts';
import { userNameOf } from '../runtime/user-name.ts';
import { checkIdentity } from '../transports/tls.ts';
import { checkCsvOptions, csvOptionsOf } from './csv-options.ts';
import { sendSections } from './send-manual.ts';
import { checkForScheme, linkOptionsOf, type SendValues, sendOptions, tlsOf } from './send-options.ts';

type Ctx = Context<typeof sendOptions>;

/** Bytes that wait at most. */
const queueBytes = 8 * 1024 * 1024;

const reading =
  '{"type":"battery_reading","time":"2026-03-01T12:00:00.000Z","device_id":"serial-pack1","voltage":13.2,"cells":[3.301,3.299]}\n';

/** Records to wherever a URL points. */
export const command = defineCommand({
  name: 'send',
  kind: 'sink',
  input: 'required',
  writes: ['receipt'],
  format: 'record',
  longRunning: true,
  receipts: true,
  frugal: true,
  summary: 'sends records to a TCP, UDP, HTTP, WebSocket or serial peer, or appends them to a file',
  description: `Reads records of any type and sends each to the address, in order, as the line that it came in as. The scheme of the address says how:

${Object.values(schemes)
  .map(({ form, delivered }) => `- ${form}: delivered when ${delivered}`)
  .join('\n')}

A far side that is not there is tried again, after waits that double from 1 s to 60 s; its loss is said once, and so is its return. What it had not taken for certain goes again first, in order: a record may arrive twice then, never not at all, and none overtakes another.`,
  arguments: [{ name: 'url', summary: 'where to send; or --url-file' }],
  options: sendOptions,
  sections: sendSections,
  examples: [
    {
      text: 'See what would be sent, as one table',
      command: 'send tcp://127.0.0.1:4000 --payload csv --columns time,voltage,cells --cells 2 --dry-run',
      stdin: reading,
      stdout: 'time,voltage,cell_1,cell_2\n2026-03-01T12:00:00.000Z,13.2,3.301,3.299\n',
    },
    {
      text: 'Log to an SD card, a file a day, compressed, a month of them',
      command: 'send file:readings.ndjson --rotate-every day --compress --keep 31; cat readings.ndjson',
      stdin: reading,
      stdout: reading,
    },
    {
      text: 'To a log collector in the network',
      command: 'send tcp://collector.lan:5170',
      notRun: 'needs a collector; tests/e2e/send-stream.test.ts has one',
    },
    {
      text: 'A webhook whose address is a secret, one request a record',
      command: 'send --url-file /etc/voltpipe/webhook --body object',
      notRun: 'needs a webhook; tests/commands/send-http.test.ts has one',
    },
    {
      text: 'What the server does not want goes to a file, as it is, and from there to another try',
      command:
        'send https://example.org/ingest --rejects rejects.ndjson; jq -r .line rejects.ndjson | send https://example.org/ingest',
      notRun: 'needs a server; tests/commands/send-rejects.test.ts has one',
    },
    {
      text: 'In batches of a minute, compressed, with a token, nothing lost on the way',
      command: 'spool /var/lib/voltpipe/api -- send https://example.org/ingest --token-file token --linger 1m --gzip',
      notRun: 'needs a server; tests/commands/send-http.test.ts has one',
    },
  ],
  seeAlso: ['to-csv(1)', 'voltpipe-records(5)', 'voltpipe(7)'],
  check(opts, [url]) {
    checkCsvOptions(opts);
    const values = opts as unknown as SendValues;
    linkOptionsOf(values);
    parseHeaders(values.header, '--header', 'usage');
    if (values.body === 'object' && values.batch !== undefined && values.batch > 1) {
      throw fail('usage', '--batch: --body object is one record a request');
    }
    if (values.body !== undefined && values.payload === 'csv')
      throw fail('usage', '--body: --payload csv has its own form');
    if (url !== undefined) checkForScheme(opts, parseTarget(url, false).url);
  },
  async *run(ctx) {
    const target = await findTarget(ctx);
    const link = await linkTo(target, ctx);
    if (ctx.opts.dryRun) yield* dryRun(ctx, link.payload, target);
    else return yield* send(ctx, link);
  },
});

async function findTarget(ctx: Ctx): Promise<Target> {
  const [named] = ctx.args;
  const text = named ?? (await ctx.secret('url'));
  if (text === undefined) throw fail('usage', 'no address', 'Give one as tcp://host:port, or --url-file; see send(1).');
  const target = parseTarget(text, named === undefined);
  if (named === undefined) checkForScheme(ctx.opts, target.url);
  if (target.password !== undefined) ctx.redact(target.password);
  return target;
}

interface Way {
  link: Link;
  payload: Payload;
}

async function linkTo(target: Target, ctx: Ctx): Promise<Way> {
  const { opts, clock, log } = ctx;
  const [user, password, token, headers] = await Promise.all([
    userNameOf(ctx),
    ctx.secret('password'),
    ctx.secret('token'),
    ctx.secret('headers'),
  ]);
  for (const value of Object.values(parseHeaders(headerLines(headers), '--headers-file', 'config'))) ctx.redact(value);
  if (opts.insecure)
    log.warn(`--insecure: whoever answers at ${target.url.host} gets the records, and any secret that goes with them`);
  const scheme = schemeOf(target.url)!;
  const payload =
    opts.payload === 'csv'
      ? csvPayload(csvOptionsOf(opts, opts.of), opts.csvHeader && scheme.begins, (message, hint) =>
          log.lost(message, message, opts.preset === undefined ? { hint } : {}),
        )
      : jsonPayload((record) => ctx.text(record));
  const tls = tlsOf(opts);
  await checkIdentity(tls, '--cert, --key');
  const link = scheme.link({
    target,
    payload,
    opts: linkOptionsOf(opts),
    tls,
    secrets: { user: user ?? target.user, password: password ?? target.password, token, headers },
    clock,
    log,
    signal: ctx.signal,
    lock: ctx.lock,
  });
  return { link, payload };
}

const headerLines = (text: string | undefined): string[] =>
  text?.split(/\r?\n/).filter((line) => line.trim() !== '') ?? [];

/** What each record would be, without any frame. */
async function* dryRun(ctx: Ctx, payload: Payload, { shown }: Target): AsyncGenerator<string> {
  ctx.log.info(`would send to ${shown}`);
  let headed = false;
  for await (const record of ctx.input) {
    const text = payload.of(record);
    if (text === undefined) continue;
    const head = headed ? undefined : payload.head();
    headed = true;
    if (head !== undefined) yield head;
    yield text;
  }
}

async function* send(ctx: Ctx, { link, payload }: Way): AsyncGenerator<VoltRecord, number> {
  const { opts, clock, log } = ctx;
  const ledger = createLedger((n) => ctx.delivered(n));
  const results = ctx.metric('send_records_total', 'records by result');
  const waiting = ctx.metric('send_queue', 'records that wait');
  const receipts = ctx.queue({ max: 1000, policy: 'drop-oldest', source: 'send' });
  const rejects = opts.rejects === undefined ? undefined : openRejectsFile(opts.rejects, clock, ctx.deadline);
  let dropped = 0;
  /** Of them, those since the far side was there last. */
  let droppedNow = 0;
  let foreign = 0;

  const queue = createSendQueue({
    records: opts.queue,
    bytes: queueBytes,
    policy: opts.whenFull,
    onDrop(ordinals) {
      dropped += ordinals.length;
      droppedNow += ordinals.length;
      results.add(ordinals.length, { result: 'dropped' });
      log.lost('queue', 'the queue is full: the oldest records are dropped');
      ledger.close(ordinals);
    },
    gap: (hole) => (payload.name === 'json' ? JSON.stringify(gapOf(hole, timestamp(clock.now()))) : undefined),
  });
  const onDelivery = (delivery: Delivery): void => {
    const { verdict, count } = delivery;
    if (verdict.kind === 'delivered') results.add(count, { result: 'delivered' });
    if (verdict.kind === 'rejected' || verdict.kind === 'tooLarge') {
      if (count <= 1) results.add(count, { result: 'rejected' });
      if (count <= 1) log.lost('rejected', `${link.name}: a record is not wanted: ${verdict.message}`);
    }
    waiting.set(queue.size);
    receipts.push(receiptOf(delivery, timestamp(clock.now())));
  };
  const courier = createCourier({
    link,
    queue,
    clock,
    log,
    linger: opts.linger,
    retryFor: opts.retryFor,
    deadline: ctx.deadline,
    onDelivery,
    setAside: rejects && ((line, reason) => rejects.keep([{ line, reason }], timestamp(clock.now()))),
    onDone: ledger.close,
    onUp() {
      ctx.alive();
      if (droppedNow > 0) log.recovered('queue', `records are kept again, ${droppedNow} were dropped`);
      droppedNow = 0;
    },
    onDown: ctx.unready,
  });
  ctx.signal.addEventListener('abort', () => courier.hurry(), { once: true });

  const read = async (): Promise<void> => {
    for await (const record of ctx.input) {
      const text = payload.of(record);
      const ordinal = ledger.open();
      if (text === undefined) {
        foreign++;
        ledger.close([ordinal]);
        continue;
      }
      queue.push({ payload: text, ordinal, time: record.time });
      courier.nudge();
      if (opts.whenFull === 'block' && queue.isFull) await courier.room();
    }
    courier.finish();
  };
  let status: number = exit.ok;
  const work = async (): Promise<void> => {
    const end = await Promise.race([courier.ended, read().then(() => courier.ended)]);
    if (foreign > 0) log.warn(`${counted(foreign, 'record')} of other types left out`);
    if (end.unsent > 0) throw undelivered(end.unsent, end.why ?? 'the time is up', link.name);
    if (end.rejected > 0) log.warn(`${counted(end.rejected, 'record was', 'records were')} rejected`);
    if (end.parting !== undefined)
      throw fail('unavailable', `${link.name}: ${end.parting}`, 'The last records may be missing there.');
    if (dropped > 0) log.warn(`${counted(dropped, 'record was', 'records were')} dropped`);
    if (dropped > 0) status = exit.unavailable;
    else if (end.rejected > 0) status = exit.protocol;
  };
  void receipts.endWith(work());
  try {
    yield* receipts;
    return status;
  } finally {
    rejects?.close();
  }
}

const undelivered = (count: number, why: string, name: string): Error =>
  fail('unavailable', `${counted(count, 'record')} not delivered to ${name}: ${why}`);
