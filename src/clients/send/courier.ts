import { createBell } from '../../runtime/bell.ts';
import { fail } from '../../runtime/exit.ts';
import { type Backoff, createBackoff } from '../../runtime/retry.ts';
import type { Courier, CourierEnd, CourierOptions } from './courier-model.ts';
import { createJudge, type Judge } from './judge.ts';
import { type BadVerdict, LinkDown, type Session, type Verdict } from './link.ts';
import { createLoader } from './loader.ts';
import { divide, type Portion } from './queue.ts';

const backoff = { first: 1000, cap: 60_000 };
/** A far side that asks for more patience than this is asked again anyway. */
const longestWait = 10 * 60_000;
/** A link that held so long without a delivery stands. */
const steadyAfter = 5000;

interface Flight {
  portion: Portion;
  since: number;
  /** What is known to have arrived, and is still in the portion. */
  arrived: number;
  /** What `arrived` was called. */
  status: string;
  verdict?: Verdict;
}

/** Makes a courier and sets it to work. */
export function createCourier(options: CourierOptions): Courier {
  const { link, queue, clock, log, deadline } = options;
  /** Something happened that the work may go on with. */
  const bell = createBell();
  /** The queue has become shorter. */
  const space = createBell();
  const waits: Backoff = createBackoff({ ...backoff, ...(options.random ? { random: options.random } : {}) });
  const judge: Judge = createJudge(link, options.onDone, options.setAside !== undefined);
  const loader = createLoader({
    ...{ queue, clock, linger: options.linger, limits: judge.limits },
    onDue: bell.ring,
    onTaken: space.ring,
  });
  /** Aborts when there is no use in a connection any longer: nothing is left to send, or the time is up. */
  const needless = new AbortController();
  let ending = false;
  let endedAt = Number.POSITIVE_INFINITY;
  let lastGood = Number.NEGATIVE_INFINITY;
  let lastWhy: string | undefined;
  let underWay = 0;
  /** The last verdict was about records, not about the far side: a session that ends over it is no outage. */
  let searching = false;
  let wakePause = (): void => {};

  deadline.addEventListener('abort', () => {
    needless.abort();
    wakePause();
    bell.ring();
    space.ring();
  });

  const down = (verdict: BadVerdict): void => {
    lastWhy = verdict.message;
    log.lost('far side', `${link.name}: ${verdict.message}`, { waiting: queue.size + underWay || undefined });
    options.onDown(`${link.name}: ${verdict.message}`);
  };

  const up = (): void => {
    log.recovered('far side', `${link.name} is back`);
    options.onUp();
  };

  const isOver = (): boolean => deadline.aborted || (ending && queue.size === 0 && underWay === 0);
  const patienceLeft = (): number => Math.max(endedAt, lastGood) + options.retryFor - clock.monotonic();
  const isHopeless = (): boolean => deadline.aborted || patienceLeft() <= 0;

  /** The wait before the next attempt; a signal ends it, and so does the end of all patience. */
  async function pause(verdict: BadVerdict): Promise<void> {
    const asked = verdict.kind === 'later' ? Math.min(verdict.retryAfter ?? 0, longestWait) : 0;
    let left = Math.max(waits.next(), asked);
    if (ending) left = Math.min(left, patienceLeft());
    if (left <= 0 || deadline.aborted) return;
    await new Promise<void>((resolve) => {
      const cancel = clock.after(left, resolve);
      wakePause = () => {
        cancel();
        resolve();
      };
    });
    wakePause = () => {};
  }

  async function open(): Promise<Session | undefined> {
    while (!needless.signal.aborted) {
      try {
        return await link.open(needless.signal);
      } catch (error) {
        searching = false;
        if (!(error instanceof LinkDown)) throw error;
        if (needless.signal.aborted) return undefined;
        judge.ofLink(error.verdict);
        down(error.verdict);
        if (ending && isHopeless()) return undefined;
        await pause(error.verdict);
      }
    }
    return undefined;
  }

  /** Uses a session until it is over, or nothing is left to do. */
  async function use(session: Session): Promise<BadVerdict | 'done' | undefined> {
    const flights: Flight[] = [];
    let bad: BadVerdict | undefined;
    let flushed = false;
    /** It is over; what is under way is told of by its own verdicts. */
    let over: BadVerdict | undefined;
    void session.lost.then((message) => {
      over = { kind: 'later', status: 'lost', message };
      bell.ring();
    });
    const steady = link.keeps ? clock.after(steadyAfter, up) : () => {};
    const launch = (portion: Portion): void => {
      const flight: Flight = { portion, since: clock.monotonic(), arrived: 0, status: '' };
      const arrive = (records: number, status: string): void => {
        flight.arrived += records;
        flight.status = status;
        bell.ring();
      };
      flights.push(flight);
      flushed = false;
      underWay += portion.payloads.length;
      void session.deliver(portion, arrive).then((verdict) => {
        flight.verdict = verdict;
        bell.ring();
      });
    };
    const tell = ({ since }: Flight, { payloads, ordinals }: Portion, verdict: Verdict): void => {
      underWay -= payloads.length;
      options.onDelivery({ verdict, count: ordinals.length, latency: clock.monotonic() - since });
      searching = verdict.kind === 'rejected' || verdict.kind === 'tooLarge';
      if (verdict.kind !== 'delivered') return;
      lastGood = clock.monotonic();
      waits.reset();
      up();
    };
    /** Settles what has arrived of a shipment of which the rest is still under way. */
    const landPart = (flight: Flight): void => {
      if (flight.arrived === 0) return;
      const [part, rest] = divide(flight.portion, flight.arrived);
      flight.portion = rest;
      flight.arrived = 0;
      tell(flight, part, { kind: 'delivered', status: flight.status });
      judge.took(part.ordinals);
    };
    const land = async (flight: Flight, verdict: Verdict): Promise<void> => {
      landPart(flight);
      const { portion } = flight;
      tell(flight, portion, verdict);
      const again = judge.of(portion, verdict, flights.length === 0);
      if (again === undefined || verdict.kind === 'delivered') return;
      if (again === 'aside') {
        await options.setAside!(portion.payloads[0]!, verdict.message);
        options.onDone(portion.ordinals);
        return;
      }
      if (again === 'again' && flights.length === 0) {
        queue.putBack(portion);
        return;
      }
      // Others are under way behind it: all of them go again, in their order.
      underWay += portion.payloads.length;
      flights.unshift(flight);
      bad ??= again === 'stop' ? verdict : { kind: 'later', status: verdict.status, message: verdict.message };
    };
    const isNext = (): boolean =>
      flights[0]?.verdict !== undefined && (!bad || flights[0].verdict.kind === 'delivered');
    try {
      for (;;) {
        const heard = bell.heard();
        while (isNext()) {
          const flight = flights.shift()!;
          await land(flight, flight.verdict!);
        }
        if (flights[0]) landPart(flights[0]);
        if (deadline.aborted || (bad && flights.every(({ verdict }) => verdict))) break;
        if (over && flights.length === 0) return bad ?? over;
        while (!bad && !over && flights.length < judge.window()) {
          const portion = loader.take();
          if (!portion) break;
          launch(portion);
        }
        if (flights.length === 0 && isOver()) return 'done';
        if (ending && !flushed && !bad && queue.size === 0) {
          flushed = true;
          session.flush?.();
        }
        await heard;
      }
      return bad;
    } finally {
      steady();
      // What came behind the one that failed goes again, in its order.
      for (const { portion } of flights.reverse()) {
        underWay -= portion.payloads.length;
        queue.putBack(portion);
      }
    }
  }

  async function work(): Promise<CourierEnd> {
    let parting: string | undefined;
    while (!isOver()) {
      if (!link.keeps && queue.size === 0) {
        await bell.heard();
        continue;
      }
      const session = await open();
      if (!session) break;
      const outcome = await use(session);
      if (outcome === 'done' && !deadline.aborted) {
        parting = await session.end();
        break;
      }
      session.abandon();
      if (outcome === undefined || outcome === 'done') break;
      if (searching) continue;
      down(outcome);
      judge.ofLink(outcome);
      if (ending && (isHopeless() || queue.size === 0)) break;
      await pause(outcome);
    }
    judge.close();
    const unsent = queue.size;
    return { unsent, why: unsent > 0 ? lastWhy : undefined, rejected: judge.rejected, parting };
  }

  const ended = work().catch((error: unknown) => {
    throw error instanceof LinkDown ? fail('software', error.message) : error;
  });
  // Whoever made it looks at it in the end.
  ended.catch(() => {});
  return {
    ended,
    nudge: loader.nudge,
    async room() {
      while (queue.isFull && !deadline.aborted) await space.heard();
    },
    hurry() {
      waits.reset();
      wakePause();
      loader.hurry();
    },
    finish() {
      ending = true;
      endedAt = clock.monotonic();
      if (isOver()) needless.abort();
      wakePause();
      loader.hurry();
    },
  };
}
