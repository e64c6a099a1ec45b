import type { VoltRecord } from '../records/record.ts';

/** A record of the input, or a timer that went off. */
export type TimerEvent = { record: VoltRecord; timer?: undefined } | { record?: undefined; timer: string };

/**
 * The input merged with timers. A timer has a name; setting it again moves it. When the input ends, the iteration ends: what is
 * still pending is asked with {@link Timers.pending} and handled by the command (a trailing flush).
 */
export interface Timers extends AsyncIterable<TimerEvent> {
  /** Wall time: goes off `ms` from now, whether records come or not. */
  wall(name: string, ms: number): void;
  /**
   * Record time: goes off before the first record whose `time` is at or after `at` (milliseconds since 1970). Replays of old captures
   * behave as live. `told`: the time that a record tells this timer, where it is not its own `time`.
   */
  record(name: string, at: number, told?: (record: VoltRecord) => number): void;
  cancel(name: string): void;
  /** Names of timers that have not gone off. */
  pending(): readonly string[];
}
