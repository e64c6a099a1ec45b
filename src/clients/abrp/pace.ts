import type { Tlm } from '../../protocols/abrp/telemetry.ts';
import type { BulkUse, TimedAnswer } from './api.ts';

/** When points are sent. Times are milliseconds. */
export interface Pace {
  /** Two pushes are at least that far apart, whatever happens. */
  minInterval: number;
  /** Record keys whose change asks for a push at the next moment the interval allows; none: every record does. */
  onChange: readonly string[];
  /** A silent, parked car is repeated that often, and what asks for no push of its own waits that long; 0: nothing is repeated. */
  heartbeat: number;
  bulk: BulkUse;
  /** For the jitter of the back-off: a number in [0, 1). */
  random?: () => number;
}

/** One push and what came of it. */
export interface Push {
  points: readonly Tlm[];
  answer: TimedAnswer;
  /** The points stay here and are sent again. */
  kept: boolean;
}

/** What a vehicle tells. */
export interface VehicleEvents {
  /** Every push, whatever came of it. */
  onPush(push: Push): void;
  /** Inputs that need no more care: taken, superseded by what was taken, or rejected for good. */
  onDone(covers: readonly number[]): void;
  /** Key or token is not accepted: the vehicle has stopped. */
  onRefused(answer: TimedAnswer): void;
}
