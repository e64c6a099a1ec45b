import type { VoltRecord } from '../records/record.ts';
import type { Item, Stream } from './batch.ts';
import type { AnyDefinition, Each } from './command.ts';
import type { Gate } from './gate.ts';
import { generatorStage } from './generator-stage.ts';
import { mapStage } from './map-stage.ts';
import type { Outcome } from './outcome.ts';
import { createTracker, type Tracker } from './tracker.ts';

/** A command at work: a stream of what it puts out. */
export interface Stage extends Stream {
  /** Settles when the stage has ended; never rejects. */
  readonly outcome: Promise<Outcome>;
}

/** What a stage shows its context, and gets told by it. */
export interface StageWiring {
  /** The records for `run`, one by one. */
  readonly input: AsyncIterable<VoltRecord>;
  textOf(record: VoltRecord): string;
  /** The line or ordinal of the record last read, for messages. */
  currentLine(): number;
  /** Resolves when the record's acknowledgement has come up from below. */
  written(record: VoltRecord): Promise<void>;
  /** The record was dropped before it was put out. */
  dropped(record: VoltRecord): void;
  delivered(n: number): void;
  /** `fn` gets the count of outputs, in order, that are safe. */
  onDelivered(fn: (count: number) => void): void;
  upstreamWaits(): boolean;
  /** How many records the stage is done with: all that it has read, or all but the one it is at work on. */
  done(): number;
  readonly tracker: Tracker | undefined;
  /** Where the stage's input can be held back; a filter that never waits has none. */
  readonly gate?: Gate;
}

/** What a stage is made of. */
export interface StageSpec {
  definition: AnyDefinition;
  /** Yields of a sink are receipts; without the flag they go nowhere. */
  swallow: boolean;
  /** Ends after this many items. */
  limit: number | undefined;
  input: Stream | undefined;
  /** Somebody upstream wants to know what is safe. */
  tracked: boolean;
  /** Aborts the stage's `ctx.signal`. */
  stop(): void;
  /** Whether that is aborted already. */
  isStopped(): boolean;
  /** The item is no record that the command can read: counted, said, skipped. */
  reject(why: string, line: number): void;
  /** Makes the generator or the mapping function; gets the wiring for its context. */
  start(wiring: StageWiring): AsyncGenerator<Item, number | void, void> | Promise<Each>;
  /** The stage is over: it frees what its context holds, saves state last of all. */
  finish(): Promise<void>;
}

/** What both kinds of stage are built on. */
export interface StageParts {
  spec: StageSpec;
  input: Stream;
  /** Follows which inputs are safe, when somebody wants to know. */
  tracker: Tracker | undefined;
}

const noInput: Stream = { next: () => Promise.resolve(undefined), cancel() {}, delivered() {} };

/** Starts a command on its input. Nothing runs before the first `next`. */
export function startStage(spec: StageSpec): Stage {
  const input = spec.input ?? noInput;
  const tracker = spec.tracked && spec.input ? createTracker((count) => input.delivered(count)) : undefined;
  const parts = { spec, input, tracker };
  return spec.definition.each ? mapStage(parts) : generatorStage(parts);
}
