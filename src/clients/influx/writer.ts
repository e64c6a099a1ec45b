import type { Verdict } from '../../protocols/influx/answer.ts';
import { createBackoff } from '../../runtime/retry.ts';
import { createLedger } from '../ledger.ts';
import { type Batch, nothing } from './batch.ts';
import { createDatabaseMaker } from './database.ts';
import { deliver } from './delivery.ts';
import { mustAct, pointless } from './failures.ts';
import { createPacker } from './packer.ts';
import { createPatience } from './patience.ts';
import type { Writer, WriterOptions } from './writer-model.ts';

/** A batch is cut at this length, well below what servers take (3 Core: 10 MB). */
const longestBody = 4 << 20;
const firstRefusedWait = 60_000;
const longestRefusedWait = 600_000;

/** Makes a writer. Nothing is sent before the first record. */
export function createWriter(options: WriterOptions): Writer {
  const { connection, encoder, clock, notes } = options;
  const packer = createPacker(encoder);
  const random = options.random ? { random: options.random } : {};
  const backoff = createBackoff({ first: 1000, cap: 60_000, jitter: 1, ...random });
  const refusals = createBackoff({ first: firstRefusedWait, cap: longestRefusedWait, ...random });
  /** Cut and not under way, in order. */
  const waiting: Batch[] = [];
  const underWay = new Set<Batch>();
  const database = createDatabaseMaker(connection.createDatabase, notes.madeDatabase);
  const ledger = createLedger(options.onDelivered);
  /** Cancels the wait between two attempts; undefined when there is none. */
  let pause: (() => void) | undefined;
  let cancelFlush: (() => void) | undefined;
  /** The open batch has waited long enough; while nothing can be sent, it goes on growing. */
  let due = false;
  let failing = false;
  let refused = false;
  let everTaken = false;
  /** Since when whoever answers knows of no such page, on the monotonic clock; undefined while that is not what keeps us. */
  let awaySince: number | undefined;
  let ended = false;
  let held = 0;
  let dropped = 0;
  let rejected = 0;
  let why = '';
  let roomy: (() => void)[] = [];
  let onChange = (): void => {};
  /** Nothing is sent any longer. */
  let closed = false;
  let breakOff = (_: unknown): void => {};
  const failed = new Promise<never>((_, reject) => {
    breakOff = (error) => {
      closed = true;
      reject(error);
    };
  });
  failed.catch(() => {});

  const openRoom = (): void => {
    const before = roomy;
    roomy = [];
    for (const go of before) go();
  };

  const done = (batch: Batch): void => {
    held -= batch.covers;
    ledger.close([batch.order]);
    if (held < options.queue) openRoom();
  };

  const cut = (): void => {
    cancelFlush?.();
    cancelFlush = undefined;
    due = false;
    if (packer.open.covers === 0) return;
    const batch = packer.cut();
    ledger.open(batch.covers);
    if (batch.lines === 0) done(batch);
    else waiting.push(batch);
  };

  const mayStart = (batch: Batch): boolean =>
    underWay.size === 0 || (everTaken && !failing && !batch.mustFollow && underWay.size < options.inFlight);

  const pump = (): void => {
    if (due && !pause && waiting.length === 0) cut();
    while (!closed && !pause && waiting.length > 0 && mayStart(waiting[0]!)) void start(waiting.shift()!);
    onChange();
  };

  const wait = (ms: number): void => {
    if (pause || closed) return;
    const cancel = clock.after(ms, () => {
      pause = undefined;
      pump();
    });
    pause = cancel;
  };

  const putBack = (batch: Batch): void => {
    const at = waiting.findIndex(({ order }) => order > batch.order);
    waiting.splice(at < 0 ? waiting.length : at, 0, batch);
  };

  /** @param era when the write was sent that the verdict is on */
  const stopped = async (verdict: Verdict, era: number): Promise<void> => {
    const { message } = verdict as Extract<Verdict, { message: string }>;
    why = message;
    if (verdict.kind === 'noDatabase' && options.createDatabase) {
      const made = await database.missed(era, verdict);
      if (made.kind === 'taken') return;
      if (made !== verdict) return stopped(made, era);
    }
    awaySince = verdict.kind === 'away' ? (awaySince ?? clock.monotonic()) : undefined;
    const awayForLong = awaySince !== undefined && clock.monotonic() - awaySince >= options.patience;
    const end = pointless(verdict, { everTaken, ended, awayForLong });
    if (end) return breakOff(end);
    failing = true;
    if (verdict.kind === 'refused') {
      connection.forget();
      refused = true;
      const ms = refusals.next();
      notes.refused(message, ms);
      wait(ms);
    } else if (!pause) {
      const asked = verdict.kind === 'later' ? verdict.wait : undefined;
      notes.unavailable(message, held);
      wait(asked || backoff.next());
    }
    if (options.onUnavailable() === 'drop') openRoom();
  };

  const start = async (batch: Batch): Promise<void> => {
    underWay.add(batch);
    const { era } = database;
    try {
      const delivery = await deliver(batch, connection.write, options.maxBisect);
      if (delivery.rejects.length > 0) {
        rejected += delivery.rejects.length;
        await options.onRejects(delivery.rejects);
      }
      options.onDelivery(batch, delivery);
      if (delivery.stopped) {
        batch.body = delivery.left;
        batch.lines -= delivery.rejects.length;
        await stopped(delivery.stopped, era);
        putBack(batch);
      } else {
        everTaken = true;
        database.found();
        failing = false;
        refused = false;
        backoff.reset();
        refusals.reset();
        notes.taken();
        batch.body = nothing;
        done(batch);
      }
    } catch (error) {
      breakOff(error);
    } finally {
      underWay.delete(batch);
      pump();
    }
  };

  const skipPause = (): void => {
    pause?.();
    pause = undefined;
  };

  /** Makes room by giving up the oldest batch that is not under way. */
  const drop = (): void => {
    if (waiting.length === 0) cut();
    const batch = waiting.shift();
    if (!batch) return;
    dropped += batch.lines;
    notes.dropped(batch.lines, dropped, batch.from, batch.to);
    done(batch);
  };

  return {
    failed,
    take(record) {
      held++;
      const line = encoder.encode(record);
      if (line === undefined) {
        notes.skipped(encoder.skipped!, record);
        packer.cover();
      } else packer.add(line);
      const { open } = packer;
      if (open.lines >= options.batch || packer.size >= longestBody) {
        cut();
        pump();
      } else if (!cancelFlush) {
        cancelFlush = clock.after(options.flush, () => {
          due = true;
          pump();
        });
      }
      if (held < options.queue) return undefined;
      if (failing && options.onUnavailable() === 'drop') {
        drop();
        return undefined;
      }
      return new Promise((resolve) => {
        roomy.push(resolve);
      });
    },
    async finish() {
      ended = true;
      cut();
      if (refused) skipPause();
      const patience = createPatience(clock, options.patience, options.deadline);
      onChange = () => patience.left(held);
      pump();
      try {
        await Promise.race([failed, patience.over]);
      } finally {
        onChange = () => {};
        patience.end();
      }
      if (held > 0 && awaySince !== undefined && !everTaken) throw mustAct('away', why);
      return { unsent: held, dropped, rejected, why };
    },
    hurry() {
      skipPause();
      cut();
      pump();
    },
    close() {
      closed = true;
      skipPause();
      cancelFlush?.();
      openRoom();
    },
  };
}
