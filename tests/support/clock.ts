import { type Clock, sleepOn } from '../../src/runtime/clock.ts';

interface Alarm {
  at: number;
  length: number;
  order: number;
  fn: () => void;
}

/** A clock that stands still until a test turns it. */
export interface FakeClock extends Clock {
  /** Lets `ms` pass: timers go off in order, each with time for the promises behind it to settle. */
  advance(ms: number): Promise<void>;
  /** Moves the wall clock alone, as NTP or a user does. */
  jump(ms: number): void;
  /** How many timers wait. */
  readonly waiting: number;
  /** A timer of just this length waits. That of its time-out tells that an exchange over a real socket is under way. */
  isSet(ms: number): boolean;
}

/** A fake clock that starts at `start` (milliseconds, or RFC 3339). */
export function fakeClock(start: number | string = '2026-03-01T12:00:00.000Z'): FakeClock {
  const origin = typeof start === 'string' ? Date.parse(start) : start;
  let elapsed = 0;
  let shift = 0;
  let order = 0;
  const alarms = new Set<Alarm>();

  const clock: FakeClock = {
    now: () => origin + elapsed + shift,
    monotonic: () => elapsed,
    after(ms, fn) {
      const alarm: Alarm = { at: elapsed + Math.max(0, ms), length: ms, order: order++, fn };
      alarms.add(alarm);
      return () => alarms.delete(alarm);
    },
    sleep(ms, signal) {
      return sleepOn(clock, ms, signal);
    },
    async advance(ms) {
      const end = elapsed + ms;
      for (;;) {
        await settle();
        const next = [...alarms].filter((a) => a.at <= end).sort((a, b) => a.at - b.at || a.order - b.order)[0];
        if (!next) break;
        alarms.delete(next);
        elapsed = Math.max(elapsed, next.at);
        next.fn();
      }
      elapsed = end;
      await settle();
    },
    jump(ms) {
      shift += ms;
    },
    get waiting() {
      return alarms.size;
    },
    isSet: (ms) => [...alarms].some(({ length }) => length === ms),
  };
  return clock;
}

/** Gives pending promises and immediate callbacks (also those of loopback sockets) a chance to run. */
export async function settle(turns = 5): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** Holds the clock while an exchange with this time-out is under way, so that it takes no time of it, however slow the machine is. */
export async function exchanged(clock: FakeClock, timeout: number): Promise<void> {
  for (const end = performance.now() + 30_000; clock.isSet(timeout); ) {
    if (performance.now() > end) throw new Error('no answer in half a minute');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Lets time pass in steps until a condition holds that needs real work too; fails after ten real seconds. */
export async function turnUntil(clock: FakeClock, step: number, condition: () => boolean, what = 'it'): Promise<void> {
  const end = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`${what} did not happen`);
    await clock.advance(step);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Lets time pass in steps until a promise has settled, and gives what it came to. */
export async function turnWhile<T>(clock: FakeClock, step: number, work: Promise<T>): Promise<T> {
  let done = false;
  const settled = (): void => {
    done = true;
  };
  work.then(settled, settled);
  while (!done) await clock.advance(step);
  return work;
}
