import type { VoltRecord } from '../records/record.ts';
import { type Batch, emptyBatch, type Item, lineOf } from './batch.ts';
import { systemClock } from './clock.ts';
import { exit } from './exit.ts';
import { createGate } from './gate.ts';
import { createOutbox } from './outbox.ts';
import { createOutcome, failureOf, type Outcome } from './outcome.ts';
import { createSinkLedger } from './sink-ledger.ts';
import type { Stage, StageParts, StageWiring } from './stage.ts';
import { asRecord, findText, foreignTo, lookBack } from './stage-input.ts';
import { createWaiters } from './waiters.ts';

/** Input that has arrived is read within so many milliseconds. */
const arrivedWithin = 500;

/** A command whose `run` is a generator: sources, sinks, and filters that wait. */
export function generatorStage({ spec, input, tracker }: StageParts): Stage {
  const isSink = spec.definition.kind === 'sink';
  const takesOver = spec.definition.takesOver === true;
  const isForeign = foreignTo(spec.definition);
  const outcome = createOutcome(spec.finish);
  const outbox = createOutbox();
  const waiters = createWaiters();
  const ledger = (isSink || takesOver) && tracker ? createSinkLedger((count) => input.delivered(count)) : undefined;
  const made = isSink || takesOver ? undefined : tracker;
  let previous: Batch = emptyBatch();
  let current = previous;
  let at = -1;
  let taken = 0;
  /** The command has asked for its next record: it is done with all that it was given. */
  let asking = false;
  let exhausted = false;
  /** The input can't be read on (a bad line with --strict). To the command it is over: what it has read is still brought to its end. */
  let broken: { error: unknown } | undefined;
  let started = false;
  let cancelled = false;
  const gate = createGate(
    () => made !== undefined && input.waits === true,
    () => asking && made?.isSettled === true,
  );
  let tellDelivered: ((count: number) => void) | undefined;
  let release = (): void => {};
  /** Nothing more can be acknowledged. */
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });

  const emit = (item: Item, text: string | undefined): void => {
    if (spec.swallow) return;
    waiters.put(item, outbox.put(item, text));
    made?.wrote();
  };

  const nextBatch = (): Promise<Batch | undefined> =>
    input.next().catch((error: unknown) => {
      broken = { error };
      return undefined;
    });

  /** The next record for the command; foreign types pass by. */
  const advance = async (): Promise<IteratorResult<VoltRecord>> => {
    asking = true;
    for (;;) {
      while (++at < current.items.length) {
        if (!gate.isOpen()) {
          made?.idle();
          gate.look();
          await gate.opened();
          if (cancelled) break;
        }
        gate.passed();
        taken++;
        tracker?.read();
        const record = asRecord(current, at, spec);
        if (record === undefined) continue;
        if (!isForeign(record)) {
          ledger?.gave(taken);
          asking = false;
          return { done: false, value: record };
        }
        if (!isSink) emit(record, current.texts[at]);
      }
      made?.idle();
      ledger?.idle(taken);
      if (!takesOver) await outbox.room();
      gate.look();
      const batch = cancelled && !takesOver ? undefined : await nextBatch();
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

  const wiring: StageWiring = {
    input: {
      [Symbol.asyncIterator]: () => ({ next: advance, return: async () => ({ done: true, value: undefined }) }),
    },
    textOf: (record) => lineOf(record, textOf(record)),
    currentLine: () => current.lines[at] ?? 0,
    written: waiters.expect,
    dropped: waiters.dropped,
    delivered: (n) => ledger?.delivered(n, taken),
    onDelivered(fn) {
      tellDelivered = fn;
    },
    upstreamWaits: () => input.waits === true,
    done: () => (asking ? taken : Math.max(0, taken - 1)),
    tracker,
    gate,
  };

  /** Runs the generator to its end, or until there is enough. Returns its exit status. */
  const exhaust = async (): Promise<number> => {
    const generator = spec.start(wiring) as AsyncGenerator<Item, number | void, void>;
    for (let count = 1; ; count++) {
      const step = await generator.next();
      if (step.done) return step.value ?? exit.ok;
      emit(step.value, textOf(step.value));
      const enough = count === spec.limit;
      if (enough) spec.stop();
      else await outbox.room();
      if (enough || cancelled) {
        await generator.return(undefined);
        return exit.ok;
      }
    }
  };

  const pump = async (): Promise<void> => {
    let result: Outcome;
    try {
      const status = await exhaust();
      result = broken ? failureOf(broken.error) : { status };
      asking = true;
      // What a sink has not called delivered is not, although it has read all.
      made?.idle();
    } catch (error) {
      result = failureOf(error);
    }
    if (!exhausted) input.cancel();
    waiters.ended();
    if (takesOver) {
      // Those behind it must see the end of input before they can acknowledge the rest.
      outbox.end();
      await released;
    } else if (gate.isUsed && made) {
      // Its last save comes when all that it has put out is delivered, or never will be.
      outbox.end();
      await Promise.race([released, new Promise<void>((resolve) => gate.stop(resolve))]);
    }
    await outcome.settle(result);
    outbox.end();
  };

  const start = (): void => {
    if (started) return;
    started = true;
    void pump();
  };

  return {
    outcome: outcome.promise,
    get waits() {
      return waiters.asked || tellDelivered !== undefined || input.waits === true;
    },
    next() {
      start();
      return outbox.next();
    },
    cancel() {
      release();
      if (cancelled) return;
      cancelled = true;
      gate.leave();
      // Who keeps records takes what has arrived; who was told to end before its reader went reads on to the end of its input.
      if (!takesOver) input.cancel();
      else if (!spec.isStopped()) systemClock.after(arrivedWithin, () => input.cancel(), { idle: true });
      spec.stop();
      waiters.forsaken();
      outbox.open();
      if (started) return;
      started = true;
      outbox.end();
      void outcome.settle({ status: exit.ok });
    },
    delivered(count) {
      waiters.delivered(count);
      tellDelivered?.(count);
      made?.delivered(count);
      gate.look();
    },
  };
}
