import type { VoltRecord } from '../records/record.ts';
import { whenAborted } from '../runtime/abort-within.ts';
import type { Context, Metric } from '../runtime/context.ts';
import type { Options } from '../runtime/options.ts';
import { createDelivery, type Delivery } from '../spool/delivery.ts';
import { interruptedAfter } from '../spool/feed.ts';
import { createLines } from '../spool/lines.ts';
import { createSent } from '../spool/sent.ts';
import type { Outlet, SpoolEvents } from '../spool/sides.ts';
import type { Writer } from '../spool/writer.ts';

type Ctx<O extends Options> = Context<O>;

/** Counts nothing: of the other side of a spool this process knows nothing. */
const none: Metric = { add() {}, set() {} };

/** Counters of a spool under `--http`: those of the sides that this process has. */
export function spoolMetrics<O extends Options>(ctx: Ctx<O>, sides: readonly ('in' | 'out')[]) {
  const of = (side: 'in' | 'out', name: string, help: string): Metric =>
    sides.includes(side) ? ctx.metric(name, help) : none;
  const sums = {
    in: of('in', 'spool_records_in_total', 'records taken in'),
    out: of('out', 'spool_records_out_total', 'records handed out, repetitions too'),
    acked: of('out', 'spool_acked_total', 'records delivered'),
    dropped: of('in', 'spool_dropped_total', 'records given up, by reason'),
    damaged: of('out', 'spool_corrupt_total', 'damaged pieces found'),
  };
  const gauges = {
    backlog: ctx.metric('spool_backlog', 'records that wait for delivery'),
    bytes: ctx.metric('spool_bytes', 'bytes of all segments'),
    segments: ctx.metric('spool_segments', 'files of the log'),
    age: ctx.metric('spool_oldest_age_seconds', 'time since the oldest undelivered segment was last written'),
    syncs: of('in', 'spool_fsync_total', 'times that the log was made durable'),
    syncing: of('in', 'spool_fsync_seconds_total', 'time that this took'),
  };
  const events: SpoolEvents = {
    onDropped: (count, reason) => sums.dropped.add(count, { reason }),
    onDamaged: () => sums.damaged.add(1),
  };
  return { sums, gauges, events };
}

const showEvery = 1000;

/** Keeps the gauges of a spool up to date. Returns what ends it. */
export function showSpool<O extends Options>(
  ctx: Ctx<O>,
  { gauges }: ReturnType<typeof spoolMetrics>,
  spool: Pick<Outlet, 'status'>,
  writer?: Writer,
): () => void {
  let cancel = (): void => {};
  let before = { syncs: 0, took: 0 };
  const look = (): void => {
    const { backlog, bytes, segments, oldest } = spool.status();
    gauges.backlog.set(backlog);
    gauges.bytes.set(bytes);
    gauges.segments.set(segments);
    gauges.age.set(oldest === undefined ? 0 : Math.max(0, (ctx.clock.now() - oldest) / 1000));
  };
  const show = (): void => {
    try {
      look();
    } catch {
      // What cannot be read for now stays as it was shown.
    }
    if (writer) {
      const { syncs, took } = writer.counts;
      gauges.syncs.add(syncs - before.syncs);
      gauges.syncing.add((took - before.took) / 1000);
      before = { syncs, took };
    }
    cancel = ctx.clock.after(showEvery, show, { idle: true });
  };
  show();
  return () => cancel();
}

/** Takes all input into the log. Resolves when the last of it is as safe as `--sync` promises. */
export async function takeIn<O extends Options>(
  ctx: Ctx<O>,
  writer: Writer,
  { sums }: ReturnType<typeof spoolMetrics>,
): Promise<void> {
  // Once the end is due, a disk that takes nothing is not waited for: that ends with the count of what it did not take.
  const end = (): void => void writer.close().catch(() => {});
  ctx.deadline.addEventListener('abort', end, { once: true });
  for await (const record of ctx.input) {
    const full = writer.append(ctx.text(record));
    sums.in.add(1);
    if (full) await full;
  }
  whenAborted(ctx.signal, end);
  await writer.flush();
}

/** What is left of the grace time is enough for what has been read. */
const settledWithin = 300;

/** What the stages before put out until their end or the end of the grace time is kept, though nobody may take it any more. */
export async function keepTheRest<O extends Options>({ deadline, clock }: Ctx<O>, taken: Promise<void>): Promise<void> {
  const due = new Promise<void>((resolve) => whenAborted(deadline, resolve));
  await Promise.race([taken.catch(() => {}), due.then(() => clock.sleep(settledWithin))]);
}

/** Hands records on to whoever reads this command's output. `ended` says whether more may come into the log. */
export async function* handOn<O extends Options>(
  ctx: Ctx<O>,
  outlet: Outlet,
  ended: () => boolean,
  metrics: ReturnType<typeof spoolMetrics>,
): AsyncGenerator<VoltRecord | string, void> {
  const { feed, keeper, bell } = outlet;
  const sent = createSent((first, last) => keeper.delivered(first, last));
  ctx.onDelivered((count) => {
    const before = sent.open;
    sent.delivered(count);
    metrics.sums.acked.add(before - sent.open);
    ctx.alive();
  });
  let late = false;
  const stop = (): void => {
    ctx.clock.after(handOnAfterStop, () => {
      late = true;
      bell.ring();
    });
    bell.ring();
  };
  whenAborted(ctx.signal, stop);
  while (!late) {
    const heard = bell.heard();
    const over = ended();
    const since = ctx.clock.monotonic();
    const chunk = await feed.next();
    if (chunk) {
      sent.add(chunk.lines, chunk.first, chunk.last);
      metrics.sums.out.add(chunk.lines);
      const lines = chunk.bytes.toString('utf8').split('\n');
      lines.pop();
      yield* lines;
      if (ctx.clock.monotonic() - since > interruptedAfter) await feed.interrupted();
      continue;
    }
    if (over && feed.isDrained()) return;
    const cancel = feed.wait === undefined ? undefined : ctx.clock.after(feed.wait, bell.ring);
    await heard;
    cancel?.();
  }
}

/** After a signal, what comes is still handed on for so long. */
const handOnAfterStop = 1000;

/** Input that has arrived is read within so many milliseconds. */
const arrivedWithin = 500;

/** Brings records to the sink `argv`; what it prints is this command's output. Returns the exit status. */
export async function* handTo<O extends Options>(
  ctx: Ctx<O>,
  argv: readonly string[],
  outlet: Outlet,
  finished: Promise<void>,
  metrics: ReturnType<typeof spoolMetrics>,
): AsyncGenerator<string, number> {
  const lines = createLines();
  const delivery: Delivery = createDelivery({
    argv,
    outlet,
    spawn: ctx.spawn,
    clock: ctx.clock,
    log: ctx.log,
    deadline: ctx.deadline,
    onLine: lines.put,
    onFailed: ctx.breakOff,
    onSent: (records) => metrics.sums.out.add(records),
    onDelivered: (records) => metrics.sums.acked.add(records),
    alive: () => ctx.alive(),
    unready: ctx.unready,
  });
  whenAborted(ctx.signal, delivery.stop);
  let status = 0;
  const over = delivery.run().then(
    (ended) => {
      status = ended;
      lines.end();
    },
    (error) => lines.fail(error),
  );
  finished.then(
    () => delivery.finish(),
    (error) => {
      lines.fail(error);
      delivery.stop();
    },
  );
  try {
    yield* lines;
    // What had arrived already when the sink failed is kept.
    if (status !== 0) await Promise.race([finished, ctx.clock.sleep(arrivedWithin)]);
  } finally {
    delivery.stop();
    await over;
  }
  return status;
}
