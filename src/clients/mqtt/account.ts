import type { VoltRecord } from '../../records/record.ts';
import { type Clock, timestamp } from '../../runtime/clock.ts';
import type { Metric } from '../../runtime/context.ts';
import { counted } from '../../runtime/counted.ts';
import type { Log } from '../../runtime/log.ts';
import { reasonOf } from '../../transports/mqtt/failure.ts';
import { createLedger } from '../ledger.ts';
import { createDenials, notAuthorised } from './denials.ts';
import type { Fate, Job } from './publisher.ts';

/** Who is told what became of records. */
export interface AccountOptions {
  clock: Clock;
  log: Log;
  /** So many further records, in order, are safe. */
  onDelivered(n: number): void;
  onReceipt(receipt: VoltRecord): void;
  /** Messages by result: taken, refused, dropped. */
  published: Metric;
}

/** Keeps account of records and of the messages that they became. */
export interface Account {
  /** A record was read. Returns its ordinal. */
  open(): number;
  /** It became so many messages. None: it counts as delivered. */
  made(ordinal: number, messages: number): void;
  /** What became of one of them. */
  settle(job: Job, fate: Fate): void;
  /** The worst code with which the broker refused a message, if it did: not authorised before any other. */
  readonly refused: number | undefined;
  /** Rejects when the broker allows us nothing; never resolves. */
  readonly denied: Promise<never>;
  /** Whether any was dropped at all. */
  readonly lost: boolean;
  /** Says how many were dropped since it was last said. */
  sayDropped(): void;
}

/** Sums up turn by turn of the event loop: one acknowledgement, one count and one receipt for all that the broker took in it. */
export function createAccount(options: AccountOptions): Account {
  const { clock, log, published } = options;
  const ledger = createLedger((n) => options.onDelivered(n));
  /** Messages that are still open, of records that became several. */
  const open = new Map<number, number>();
  let closing: number[] = [];
  const denials = createDenials();
  let taken = 0;
  let dropped = 0;
  let lost = false;
  let refused: number | undefined;
  let scheduled = false;

  const receipt = (ok: boolean, count: number, status: string, message?: string): void =>
    options.onReceipt({
      type: 'receipt',
      time: timestamp(clock.now()),
      sink: 'mqtt-pub',
      ok,
      count,
      status,
      ...(message === undefined ? {} : { message }),
    });

  const flush = (): void => {
    scheduled = false;
    if (taken > 0) {
      published.add(taken, { result: 'taken' });
      receipt(true, taken, 'taken');
      taken = 0;
    }
    const ordinals = closing;
    closing = [];
    ledger.close(ordinals);
  };
  const soon = (): void => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(flush);
  };

  const close = (ordinal: number): void => {
    if (ordinal < 0) return;
    const left = (open.get(ordinal) ?? 1) - 1;
    if (left > 0) return void open.set(ordinal, left);
    open.delete(ordinal);
    closing.push(ordinal);
    soon();
  };

  return {
    denied: denials.certain,
    get refused() {
      return refused;
    },
    get lost() {
      return lost;
    },
    open: () => ledger.open(),
    made(ordinal, messages) {
      if (messages > 1) open.set(ordinal, messages);
      if (messages > 0) return;
      closing.push(ordinal);
      soon();
    },
    settle(job, fate) {
      if (fate === 'taken') {
        if (job.ordinal >= 0) {
          taken++;
          for (const ordinal of denials.taken(job)) close(ordinal);
        }
        soon();
      } else if (fate === 'dropped') {
        dropped++;
        lost = true;
        published.add(1, { result: 'dropped' });
        log.lost('buffer', 'broker: away, and the buffer is full: the oldest messages are dropped');
        receipt(false, 1, 'dropped', job.topic);
      } else {
        if (refused !== notAuthorised) refused = fate;
        published.add(1, { result: 'refused' });
        log.lost(`refused ${fate}`, `broker refuses a message: ${reasonOf(fate)} (code ${fate})`, { topic: job.topic });
        receipt(false, 1, String(fate), `${job.topic}: ${reasonOf(fate)}`);
      }
      if (fate !== notAuthorised || job.ordinal < 0 || !denials.keep(job)) close(job.ordinal);
    },
    sayDropped() {
      if (dropped === 0) return;
      log.recovered('buffer', 'messages are no longer dropped');
      log.warn(`${counted(dropped, 'message was', 'messages were')} dropped while the broker was away`);
      dropped = 0;
    },
  };
}
