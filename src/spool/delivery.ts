import { constants } from 'node:os';
import type { Clock } from '../runtime/clock.ts';
import { fail } from '../runtime/exit.ts';
import type { Log } from '../runtime/log.ts';
import { createBackoff } from '../runtime/retry.ts';
import { inWords } from '../runtime/system-error.ts';
import { interruptedAfter } from './feed.ts';
import type { Chunk } from './reader.ts';
import { createSent } from './sent.ts';
import type { Outlet } from './sides.ts';
import { type SinkEnd, type SinkProcess, startSink } from './sink-process.ts';

/** What a delivery is made of. */
export interface DeliveryOptions {
  argv: readonly string[];
  outlet: Pick<Outlet, 'feed' | 'keeper' | 'bell' | 'backlog'>;
  spawn: Parameters<typeof startSink>[0];
  clock: Clock;
  log: Log;
  /** Nobody waits any longer. */
  deadline: AbortSignal;
  onLine(text: string): Promise<void> | undefined;
  /** The log can't be read on: all is to end, though the sink may be busy. */
  onFailed(error: unknown): void;
  onSent(records: number): void;
  onDelivered(lines: number): void;
  alive(): void;
  unready(why: string): void;
}

/** Brings the records of a spool to a sink, as often as that takes. */
export interface Delivery {
  /** Resolves with the exit status when all is delivered or nothing can be; rejects with what no repetition mends. */
  run(): Promise<number>;
  /** No more records come: what is in the log is delivered, then it ends. */
  finish(): void;
  /** Ends soon: hands out what is new for a moment, then waits for acknowledgements as long as it may. */
  stop(): void;
}

/** A sink that has not said by then that it acknowledges never will. */
const handshakeWithin = 10_000;
/** A sink that is refused or misconfigured after it had worked is tried again after this time. */
const refusedAgainAfter = 5 * 60_000;
const stopAfter = 1000;
const killAfter = 150;
/** Exit statuses that trying again does not change: usage, refused, configuration. */
const hopeless = new Set<number>([64, 77, 78]);

const statusOf = ({ status, signal, failed }: SinkEnd): number => {
  if (failed) return 64;
  return status ?? 128 + (constants.signals[signal as NodeJS.Signals] ?? 0);
};

/** Why a program can't be started. A folder of PATH that we may not enter makes the system say EACCES of a program that is nowhere. */
const startFailures: Readonly<Record<string, string>> = {
  ENOENT: 'not found',
  EACCES: 'not found, or not allowed to run',
};

const describeEnd = (name: string, { status, signal, failed }: SinkEnd): string => {
  if (failed) return `${name} cannot be started: ${startFailures[failed] ?? inWords({ code: failed })}`;
  return signal ? `${name} was ended by ${signal}` : `${name} ended with status ${status}`;
};

const tooLong = {
  output: 'prints lines of more than 1 MiB: they are left out',
  acknowledgement: 'writes what is no count to where it acknowledges: that is left out',
} as const;

/** Makes a delivery; nothing starts before `run`. */
export function createDelivery(options: DeliveryOptions): Delivery {
  const { argv, outlet, clock, log, deadline } = options;
  const { feed, keeper, bell } = outlet;
  const name = argv[0]!;
  const backoff = createBackoff({ first: 1000, cap: 60_000 });
  let finishing = false;
  let stopping = false;
  let late = false;
  /** A sink has worked: something was delivered, or it is one that never says so. */
  let proven = false;
  let abandon = (): void => {};

  // Everything that is waited for rings one bell: a promise that many races wait on would keep them all in memory.
  const pause = async (ms: number): Promise<void> => {
    let due = false;
    const cancel = clock.after(ms, () => {
      due = true;
      bell.ring();
    });
    while (!due && !finishing && !stopping) await bell.heard();
    cancel();
  };

  /** Hands out records until none are left or the sink is gone. True: the sink was given all there is. */
  const handOut = async (
    sink: SinkProcess,
    onSent: (chunk: Chunk) => void,
    onWritten: () => void,
  ): Promise<boolean> => {
    let over = false;
    void sink.ended.then(() => {
      over = true;
      bell.ring();
    });
    while (!over && !late) {
      const heard = bell.heard();
      const chunk = await feed.next();
      if (chunk) {
        onSent(chunk);
        const since = clock.monotonic();
        if (!(await sink.write(chunk.bytes))) return false;
        onWritten();
        if (clock.monotonic() - since > interruptedAfter) await feed.interrupted();
        continue;
      }
      if (finishing && feed.isDrained()) return true;
      const cancel = feed.wait === undefined ? undefined : clock.after(feed.wait, bell.ring);
      await heard;
      cancel?.();
    }
    return !over;
  };

  /** One life of the sink. */
  const session = async (): Promise<{ end: SinkEnd; complete: boolean; filter: boolean }> => {
    let mode: 'unknown' | 'acknowledges' | 'silent' = 'unknown';
    let filter = false;
    let written = 0;
    const sent = createSent((first, last) => keeper.delivered(first, last));
    const delivered = (lines: number): void => {
      const before = sent.open;
      sent.delivered(lines);
      if (sent.open === before) return;
      proven = true;
      backoff.reset();
      log.recovered('sink', `${name} delivers again`);
      options.onDelivered(before - sent.open);
      options.alive();
    };
    const sink = startSink(options.spawn, clock, argv, {
      onLine: options.onLine,
      onTooLong: (where) => log.lost(where, `${name} ${tooLong[where]}`),
      onFilter() {
        filter = true;
        sink.end();
      },
      onAcknowledged(count) {
        if (mode === 'unknown') mode = 'acknowledges';
        if (mode === 'acknowledges') delivered(count);
      },
    });
    const fallSilent = (): void => {
      if (mode !== 'unknown') return;
      mode = 'silent';
      proven = true;
      log.lost('silent', `${name} does not acknowledge: a record counts as delivered when it has been written to it`);
      delivered(written);
      options.alive();
    };
    const cancel = clock.after(handshakeWithin, fallSilent, { idle: true });
    const kill = (): void => {
      sink.kill('SIGTERM');
      clock.after(killAfter, () => sink.kill('SIGKILL'), { idle: true });
    };
    deadline.addEventListener('abort', kill, { once: true });
    abandon = () => sink.abandon();
    let failure: { error: unknown } | undefined;
    const complete = await handOut(
      sink,
      ({ lines, first, last }) => {
        sent.add(lines, first, last);
        options.onSent(lines);
      },
      () => {
        written = sent.lines;
        if (mode === 'silent') delivered(written);
      },
    ).catch((error) => {
      failure = { error };
      options.onFailed(error);
      return false;
    });
    sink.end();
    if (deadline.aborted) kill();
    const end = await sink.ended;
    deadline.removeEventListener('abort', kill);
    cancel();
    // What was handed out before has been delivered, or not.
    if (failure) throw failure.error;
    if (complete && end.status === 0 && !filter) fallSilent();
    return { end, complete, filter };
  };

  /** Whether to end, and with which status; else how long to wait before the next life. */
  const judge = (end: SinkEnd, complete: boolean): { status: number } | { wait: number } => {
    const status = statusOf(end);
    const what = describeEnd(name, end);
    const backlog = outlet.backlog();
    const kept = backlog > 0 ? `; ${backlog === 1 ? '1 record stays' : `${backlog} records stay`} in the spool` : '';
    if (stopping) return { status: 0 };
    if (hopeless.has(status) && !proven) {
      log.error(`${what}${kept}`);
      return { status };
    }
    if (complete && finishing) {
      if (status !== 0) log.error(`${what}${kept}`);
      else if (backlog > 0) log.warn(`${name} did not acknowledge all${kept}`);
      return { status };
    }
    options.unready(what);
    const wait = hopeless.has(status) ? refusedAgainAfter : backoff.next();
    if (finishing) log.info(`${what}: tried once more`);
    else log.lost('sink', `${what}: tried again from ${Math.ceil(wait / 1000)} s on; records are kept meanwhile`);
    return { wait };
  };

  return {
    async run() {
      for (let lastTry = false; ; ) {
        lastTry = finishing;
        const { end, complete, filter } = await session();
        if (filter) {
          throw fail(
            'usage',
            `${name} is a filter: behind it nobody can say what is delivered`,
            `Run filter and sink as one: spool DIR -- voltpipe run '${argv.join(' ')} | SINK'.`,
          );
        }
        const verdict = judge(end, complete || lastTry);
        if ('status' in verdict) return verdict.status;
        if (!finishing) await pause(verdict.wait);
        if (stopping) return 0;
        await feed.rewind();
      }
    },
    finish() {
      finishing = true;
      bell.ring();
    },
    stop() {
      if (stopping) return;
      stopping = true;
      bell.ring();
      clock.after(
        stopAfter,
        () => {
          late = true;
          abandon();
          bell.ring();
        },
        { idle: true },
      );
    },
  };
}
