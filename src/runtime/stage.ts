import type { VoltRecord } from '../records/record.ts';
import { type Batch, emptyBatch, type Item, lineOf, type Stream } from './batch.ts';
import type { AnyDefinition, Each } from './command.ts';
import { CommandError, exit } from './exit.ts';
import { createTracker, type Tracker } from './tracker.ts';

/** How a stage ended. */
export interface Outcome {
  status: number;
  error?: unknown;
}

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
  /** How many records the stage is done with: all that it has read, or all but the one it is at work on. */
  done(): number;
  readonly tracker: Tracker | undefined;
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
  /** The item is no record that the command can read: counted, said, skipped. */
  reject(why: string, line: number): void;
  /** Makes the generator or the mapping function; gets the wiring for its context. */
  start(wiring: StageWiring): AsyncGenerator<Item, number | void, void> | Promise<Each>;
  /** The stage is over: it frees what its context holds, saves state last of all. */
  finish(): Promise<void>;
}

/** Items that a generator may run ahead of its reader. */
const maxBatch = 512;
/** A filter yields what it has just read, or read a moment ago. */
const lookBack = 8;

const noInput: Stream = { next: () => Promise.resolve(undefined), cancel() {}, delivered() {} };

/** Starts a command on its input. Nothing runs before the first `next`. */
export function startStage(spec: StageSpec): Stage {
  const { definition } = spec;
  const reads = definition.reads ? new Set(definition.reads) : undefined;
  const input = spec.input ?? noInput;
  const tracker = spec.tracked && spec.input ? createTracker((count) => input.delivered(count)) : undefined;
  return definition.each ? mapStage(spec, input, reads, tracker) : generatorStage(spec, input, reads, tracker);
}

/** Item `at` as a record: a line of text from a `json` stage is parsed. Undefined: it is none, and has been rejected. */
function asRecord(batch: Batch, at: number, spec: StageSpec): VoltRecord | undefined {
  const item = batch.items[at]!;
  const line = batch.lines[at]!;
  if (typeof item === 'string') {
    try {
      batch.items[at] = JSON.parse(item);
      batch.texts[at] ??= item;
    } catch {
      spec.reject('not JSON', line);
      return undefined;
    }
  }
  const record = batch.items[at] as VoltRecord;
  if (typeof record !== 'object' || record === null || Array.isArray(record)) spec.reject('not a JSON object', line);
  else if (typeof record.type !== 'string' && !spec.definition.untyped) spec.reject('no "type"', line);
  else return record;
  return undefined;
}

const isForeign = (record: VoltRecord, reads: Set<string> | undefined): boolean =>
  reads !== undefined && record.type !== undefined && !reads.has(record.type);

/** Settles once, with the first outcome. */
function outcomeOf(spec: StageSpec): { promise: Promise<Outcome>; settle(outcome: Outcome): Promise<void> } {
  let resolve: (outcome: Outcome) => void;
  let settled = false;
  const promise = new Promise<Outcome>((r) => {
    resolve = r;
  });
  return {
    promise,
    async settle(outcome) {
      if (settled) return;
      settled = true;
      try {
        await spec.finish();
      } catch (error) {
        return resolve(outcome.error ? outcome : failureOf(error));
      }
      resolve(outcome);
    },
  };
}

/** The outcome of a stage that threw. */
export function failureOf(error: unknown): Outcome {
  return { status: error instanceof CommandError ? error.status : exit.software, error };
}

function mapStage(spec: StageSpec, input: Stream, reads: Set<string> | undefined, tracker: Tracker | undefined): Stage {
  const outcome = outcomeOf(spec);
  let each: Each | undefined;
  let current: Batch = emptyBatch();
  let at = 0;
  let taken = 0;
  let failure: { error: unknown } | undefined;
  const wiring = wiringOf(spec, tracker, { current: () => current, position: () => at, done: () => taken });

  /** What was made before a failure still goes out; it must not depend on where a chunk ended. */
  const map = (batch: Batch): Batch => {
    const out = emptyBatch();
    try {
      return mapInto(out, batch);
    } catch (error) {
      failure = { error };
      return out;
    }
  };

  const mapInto = (out: Batch, batch: Batch): Batch => {
    let changed = false;
    const put = (item: Item, text: string | undefined): void => {
      if (item !== batch.items[out.items.length]) changed = true;
      out.items.push(item);
      out.texts.push(text);
      out.lines.push(batch.lines[at]!);
      tracker?.wrote();
    };
    current = batch;
    taken += batch.items.length;
    for (at = 0; at < batch.items.length; at++) {
      tracker?.read();
      const record = asRecord(batch, at, spec);
      if (record === undefined) continue;
      const text = batch.texts[at];
      if (isForeign(record, reads)) {
        put(record, text);
        continue;
      }
      const made = each!(record);
      if (made === undefined) continue;
      if (Array.isArray(made)) for (const one of made as VoltRecord[]) put(one, one === record ? text : undefined);
      else put(made as VoltRecord, made === record ? text : undefined);
    }
    tracker?.idle();
    return changed || out.items.length !== batch.items.length ? out : batch;
  };

  return {
    outcome: outcome.promise,
    async next() {
      try {
        each ??= await (spec.start(wiring) as Promise<Each>);
        while (!failure) {
          const batch = await input.next();
          if (!batch) break;
          const out = map(batch);
          if (out.items.length > 0) return out;
        }
        if (failure) throw failure.error;
        await outcome.settle({ status: exit.ok });
      } catch (error) {
        input.cancel();
        await outcome.settle(failureOf(error));
      }
      return undefined;
    },
    cancel() {
      input.cancel();
      void outcome.settle({ status: exit.ok });
    },
    delivered: (count) => tracker?.delivered(count),
  };
}

/** The parts of a context that depend on what the stage is reading at the moment. */
function wiringOf(
  spec: StageSpec,
  tracker: Tracker | undefined,
  reading: { current(): Batch; position(): number; done(): number },
): StageWiring {
  return {
    input: { [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) }) },
    textOf: (record) => lineOf(record, findText(reading.current(), record, reading.position())),
    currentLine: () => reading.current().lines[reading.position()] ?? 0,
    written: () => Promise.reject(new Error(`${spec.definition.name} is no source`)),
    dropped() {},
    delivered() {},
    done: reading.done,
    tracker,
  };
}

/** The text of an item that was read at `from` or a little before. */
function findText(batch: Batch, item: Item, from: number): string | undefined {
  for (let i = Math.min(from, batch.items.length - 1); i >= 0 && i > from - lookBack; i--) {
    if (batch.items[i] === item) return batch.texts[i];
  }
  return undefined;
}

interface Waiter {
  resolve(): void;
  reject(error: Error): void;
}

function generatorStage(
  spec: StageSpec,
  input: Stream,
  reads: Set<string> | undefined,
  tracker: Tracker | undefined,
): Stage {
  const outcome = outcomeOf(spec);
  const isSink = spec.definition.kind === 'sink';
  const waiters = new Map<Item, Waiter>();
  const ordinals: { ordinal: number; waiter: Waiter }[] = [];
  const seen: number[] = [];
  let previous = emptyBatch();
  let current = previous;
  let at = -1;
  let taken = 0;
  let put = 0;
  let out = emptyBatch();
  let flushable = false;
  let ended = false;
  let cancelled = false;
  let started = false;
  let asking = false;
  let reported = 0;
  let exhausted = false;
  let wakeReader: (() => void) | undefined;
  let wakeWriters: (() => void)[] = [];

  const ready = (): void => {
    flushable = true;
    wakeReader?.();
    wakeReader = undefined;
  };

  const emit = (item: Item, text: string | undefined): void => {
    if (spec.swallow) return;
    out.items.push(item);
    out.texts.push(text);
    out.lines.push(++put);
    if (tracker && !isSink) tracker.wrote();
    const waiter = waiters.get(item);
    if (waiter) {
      waiters.delete(item);
      ordinals.push({ ordinal: put, waiter });
    }
    // What the generator makes without waiting leaves together; the next turn of the loop takes it away.
    if (out.items.length === 1) setImmediate(ready);
  };

  const takenAway = (): void => {
    const waiting = wakeWriters;
    wakeWriters = [];
    for (const wake of waiting) wake();
  };

  /** Waits until the reader has taken what is ready, when that is much. */
  const room = async (): Promise<void> => {
    if (out.items.length < maxBatch || cancelled) return;
    ready();
    await new Promise<void>((resolve) => {
      wakeWriters.push(resolve);
    });
  };

  /** The next record for the command; foreign types pass by. */
  const advance = async (): Promise<IteratorResult<VoltRecord>> => {
    asking = true;
    for (;;) {
      while (++at < current.items.length) {
        taken++;
        tracker?.read();
        const record = asRecord(current, at, spec);
        if (record === undefined) continue;
        if (!isForeign(record, reads)) {
          if (isSink && tracker) seen.push(taken);
          asking = false;
          return { done: false, value: record };
        }
        if (!isSink) emit(record, current.texts[at]);
      }
      if (!isSink) tracker?.idle();
      else if (seen.length === 0) reportSink();
      await room();
      const batch = cancelled ? undefined : await input.next();
      if (!batch) {
        exhausted = true;
        at = current.items.length;
        return { done: true, value: undefined };
      }
      previous = current;
      current = batch;
      at = -1;
    }
  };

  /** The line that an item came in as, when the command passes on what it has just read or read a moment ago. */
  const textOf = (item: Item): string | undefined =>
    findText(current, item, at) ?? (at < lookBack ? findText(previous, item, previous.items.length - 1) : undefined);

  /** Nobody will acknowledge what is still on its way. */
  const forsake = (why: string): void => {
    for (const waiter of waiters.values()) waiter.reject(new Error(why));
    for (const { waiter } of ordinals) waiter.reject(new Error(why));
    waiters.clear();
    ordinals.length = 0;
  };

  /** A sink's records count as safe up to the first that it has not said so of. */
  const reportSink = (): void => {
    const safe = seen.length > 0 ? seen[0]! - 1 : taken;
    if (safe > reported) input.delivered(safe);
    reported = safe;
  };

  const wiring: StageWiring = {
    ...wiringOf(spec, tracker, {
      current: () => current,
      position: () => at,
      done: () => (asking ? taken : Math.max(0, taken - 1)),
    }),
    textOf: (record) => lineOf(record, textOf(record)),
    input: {
      [Symbol.asyncIterator]: () => ({ next: advance, return: async () => ({ done: true, value: undefined }) }),
    },
    written(record) {
      const promise = new Promise<void>((resolve, reject) => {
        waiters.set(record, { resolve, reject });
      });
      // A command that asks and doesn't look is no bug of ours to die of.
      promise.catch(() => {});
      return promise;
    },
    dropped(record) {
      waiters.get(record)?.reject(new Error('dropped: the queue was full'));
      waiters.delete(record);
    },
    delivered(n) {
      if (!tracker) return;
      seen.splice(0, n);
      reportSink();
    },
  };

  const pump = async (): Promise<void> => {
    let result: Outcome = { status: exit.ok };
    try {
      const generator = spec.start(wiring) as AsyncGenerator<Item, number | void, void>;
      for (let made = 0; ; ) {
        const step = await generator.next();
        if (step.done) {
          result = { status: step.value ?? exit.ok };
          break;
        }
        emit(step.value, textOf(step.value));
        if (spec.limit !== undefined && ++made >= spec.limit) {
          spec.stop();
          await generator.return(undefined);
          break;
        }
        await room();
        if (cancelled) {
          await generator.return(undefined);
          break;
        }
      }
      asking = true;
      // What a sink has not called delivered is not, although it has read all.
      if (!isSink) tracker?.idle();
    } catch (error) {
      result = failureOf(error);
    }
    if (!exhausted) input.cancel();
    for (const waiter of waiters.values()) waiter.reject(new Error('the command ended before it was written'));
    ended = true;
    await outcome.settle(result);
    ready();
  };

  return {
    outcome: outcome.promise,
    async next() {
      if (!started) {
        started = true;
        void pump();
      }
      for (;;) {
        if (out.items.length > 0 && (flushable || ended)) {
          const batch = out;
          out = emptyBatch();
          flushable = false;
          takenAway();
          return batch;
        }
        flushable = false;
        if (ended) return undefined;
        await new Promise<void>((resolve) => {
          wakeReader = resolve;
        });
      }
    },
    cancel() {
      if (cancelled) return;
      cancelled = true;
      spec.stop();
      input.cancel();
      forsake('the reader went away');
      takenAway();
      if (!started) {
        started = true;
        ended = true;
        void outcome.settle({ status: exit.ok });
      }
    },
    delivered(count) {
      while (ordinals[0] && ordinals[0].ordinal <= count) ordinals.shift()!.waiter.resolve();
      if (!isSink) tracker?.delivered(count);
    },
  };
}
