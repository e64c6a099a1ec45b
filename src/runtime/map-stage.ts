import type { VoltRecord } from '../records/record.ts';
import { type Batch, emptyBatch, type Item, lineOf } from './batch.ts';
import type { Each } from './command.ts';
import { exit } from './exit.ts';
import { createOutcome, failureOf } from './outcome.ts';
import type { Stage, StageParts, StageWiring } from './stage.ts';
import { asRecord, findText, foreignTo } from './stage-input.ts';

/** A filter that never waits: its function runs over whole batches, and a batch that it leaves alone goes on as it came. */
export function mapStage({ spec, input, tracker }: StageParts): Stage {
  const outcome = createOutcome(spec.finish);
  const isForeign = foreignTo(spec.definition);
  let each: Each | undefined;
  let current: Batch = emptyBatch();
  let at = 0;
  let taken = 0;
  let failure: { error: unknown } | undefined;
  let ended = false;
  const wiring: StageWiring = {
    input: { [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) }) },
    textOf: (record) => lineOf(record, findText(current, record, at)),
    currentLine: () => current.lines[at] ?? 0,
    written: () => Promise.reject(new Error(`${spec.definition.name} is no source`)),
    dropped() {},
    delivered() {},
    onDelivered() {},
    upstreamWaits: () => input.waits === true,
    done: () => taken,
    tracker,
  };

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
      if (isForeign(record)) {
        if (!each!.alone) put(record, text);
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

  /** What the function still has to say, as a last batch. */
  const finish = (): Batch => {
    const out = emptyBatch();
    for (const record of each?.end?.() ?? []) {
      out.items.push(record);
      out.texts.push(undefined);
      out.lines.push(current.lines.at(-1) ?? 0);
      tracker?.wrote();
    }
    return out;
  };

  return {
    outcome: outcome.promise,
    get waits() {
      return input.waits === true;
    },
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
        const rest = ended ? emptyBatch() : finish();
        ended = true;
        if (rest.items.length > 0) return rest;
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
