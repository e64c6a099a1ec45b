import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { VoltRecord } from '../../src/records/record.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import type { Context } from '../../src/runtime/context.ts';
import { createQueue } from '../../src/runtime/queues.ts';
import { fakeClock, settle } from '../support/clock.ts';
import { until } from '../support/fixture.ts';
import { batchesOf, made, quiet, startPipeline } from '../support/fixture-pipeline.ts';

const line = (n: number, type = 'x'): string => JSON.stringify({ type, n });
const lines = (count: number): string[] => Array.from({ length: count }, (_, i) => line(i + 1));

/** A sink that says `delivered` when the test lets it. */
function heldSink(reads?: string[]) {
  const seen: unknown[] = [];
  let deliver = (_n: number): void => {};
  const command = made('sink', {
    ...(reads ? { reads } : {}),
    run: quiet(async (ctx) => {
      deliver = ctx.delivered;
      for await (const record of ctx.input) seen.push(record.n);
    }),
  });
  return { command, seen, deliver: (n: number) => deliver(n) };
}

/** An input that stays open until the test ends it. */
function openInput() {
  const queue = createQueue({ max: 1000, policy: 'pause' }, systemClock, () => {});
  let at = 0;
  async function* batches() {
    for await (const record of queue) yield { items: [record], texts: [undefined], lines: [++at] };
  }
  return { batches: batches(), push: (n: number, type = 'x') => queue.push({ type, n }), end: () => queue.end() };
}

test('a sink acknowledges in order, as far as it has said so', async () => {
  const sink = heldSink();
  const run = await startPipeline([sink.command], { batches: batchesOf(lines(3), lines(2)), tracked: true });
  await settle();
  assert.deepEqual(run.delivered, []);
  sink.deliver(2);
  sink.deliver(1);
  sink.deliver(2);
  await run.done;
  assert.deepEqual(run.delivered, [2, 3, 5]);
});

test('a sink that never says delivered never acknowledges, not even at its end', async () => {
  const sink = heldSink();
  const run = await startPipeline([sink.command], { batches: batchesOf(lines(3)), tracked: true });
  await run.done;
  assert.deepEqual(run.delivered, []);
});

test('foreign types and what is no record count as safe once all before them are', async () => {
  const sink = heldSink(['mine']);
  const input = [line(1), line(2, 'mine'), line(3), '{"no":"type"}', line(5, 'mine'), line(6)];
  const run = await startPipeline([sink.command], { batches: batchesOf(input), tracked: true });
  await settle();
  sink.deliver(1);
  sink.deliver(1);
  await run.done;
  assert.deepEqual(run.delivered, [4, 6]);
});

test('through a filter, an input is safe when all that was made of it is', async () => {
  for (const form of ['each', 'run'] as const) {
    const map = (record: VoltRecord) => {
      const n = record.n as number;
      return n % 3 === 0 ? [] : n % 3 === 1 ? [record] : [record, { ...record, n: n + 0.5 }];
    };
    const filter =
      form === 'each'
        ? made('filter', { each: () => map })
        : made('filter', {
            async *run(ctx: Context) {
              for await (const record of ctx.input) yield* map(record);
            },
          });
    const sink = heldSink();
    const run = await startPipeline([filter, sink.command], { batches: batchesOf(lines(6)), tracked: true });
    await settle();
    assert.deepEqual(sink.seen, [1, 2, 2.5, 4, 5, 5.5]);
    for (let i = 0; i < 6; i++) sink.deliver(1);
    await run.done;
    assert.deepEqual(run.delivered, [1, 3, 4, 6], form);
  }
});

test('in any pipeline, whatever the chunks, nothing is acknowledged before the sink has said so, and in the end all is', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 30 }),
      fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 8 }),
      fc.array(fc.boolean(), { minLength: 1, maxLength: 3 }),
      async (copies, chunks, forms) => {
        const input = copies.map((count, i) => JSON.stringify({ type: 'x', i, count }));
        const batches: string[][] = [];
        for (let at = 0, k = 0; at < input.length; k++) {
          const size = chunks[k % chunks.length]!;
          batches.push(input.slice(at, at + size));
          at += size;
        }
        let first = true;
        const copy = () => {
          const multiply = first;
          first = false;
          return (record: VoltRecord) =>
            Array.from({ length: multiply ? (record.count as number) : 1 }, () => ({ ...record }));
        };
        const stages = forms.map((each) => {
          const map = copy();
          return each
            ? made('filter', { each: () => map })
            : made('filter', {
                async *run(ctx: Context) {
                  for await (const record of ctx.input) yield* map(record);
                },
              });
        });
        const safe = new Array<number>(copies.length).fill(0);
        const sink = made('sink', {
          run: quiet(async (ctx) => {
            let held: VoltRecord[] = [];
            const flush = (): void => {
              for (const record of held) safe[record.i as number]!++;
              ctx.delivered(held.length);
              held = [];
            };
            for await (const record of ctx.input) {
              held.push(record);
              if (held.length === 3) flush();
            }
            flush();
          }),
        });
        const run = await startPipeline([...stages, sink], { batches: batchesOf(...batches), tracked: true });
        run.delivered.push = (count: number) => {
          for (let i = 0; i < count; i++) assert.equal(safe[i], copies[i], `input ${i} of ${count}`);
          return Array.prototype.push.call(run.delivered, count);
        };
        await run.done;
        assert.equal(run.delivered.at(-1), copies.length);
      },
    ),
    { numRuns: 150 },
  );
});

/** A source that notes when each of its records is safe. */
function notingSource(count: number) {
  const safe: unknown[] = [];
  const command = made('source', {
    async *run(ctx: Context) {
      const all: Promise<unknown>[] = [];
      for (let n = 1; n <= count; n++) {
        const record = { type: 'x', n };
        all.push(
          ctx.written(record).then(
            () => safe.push(n),
            (error: Error) => safe.push(error.message),
          ),
        );
        yield record;
      }
      await Promise.all(all);
    },
  });
  return { command, safe };
}

test('alone, a source knows that a record is written when the write is done', async () => {
  let finish = (): void => {};
  const source = notingSource(2);
  const run = await startPipeline([source.command], {
    write: () =>
      new Promise<void>((resolve) => {
        finish = resolve;
      }),
  });
  await settle();
  assert.deepEqual(source.safe, []);
  finish();
  await run.done;
  assert.deepEqual(source.safe, [1, 2]);
});

test('in a pipeline, a source knows that a record is written when the sink has acknowledged it', async () => {
  const source = notingSource(3);
  const sink = heldSink();
  const pass = made('filter', { each: () => (record) => (record.n === 2 ? undefined : { ...record }) });
  const run = await startPipeline([source.command, pass, sink.command]);
  await settle();
  assert.deepEqual([sink.seen, source.safe], [[1, 3], []]);
  sink.deliver(1);
  await settle();
  assert.deepEqual(source.safe, [1, 2]);
  sink.deliver(1);
  await run.done;
  assert.deepEqual(source.safe, [1, 2, 3]);
});

test('a source whose sink fails is told that its records will not be acknowledged', async () => {
  const source = notingSource(2);
  const sink = made('sink', {
    run: quiet(async (ctx) => {
      for await (const _ of ctx.input) throw new Error('refused');
    }),
  });
  const run = await startPipeline([source.command, sink]);
  assert.equal((await run.done).status, 70);
  assert.deepEqual(source.safe, ['the reader went away', 'the reader went away']);
});

test('a record that a full queue drops is told to whoever waits for it to be written', async () => {
  const outcome: string[] = [];
  const source = made('source', {
    async *run(ctx: Context) {
      const queue = ctx.queue({ max: 2, policy: 'drop-oldest' });
      for (let n = 1; n <= 3; n++) {
        const record = { type: 'x', n };
        ctx.written(record).then(
          () => outcome.push(`${n} written`),
          (error: Error) => outcome.push(`${n} ${error.message}`),
        );
        queue.push(record);
      }
      queue.end();
      yield* queue;
    },
  });
  const run = await startPipeline([source]);
  await run.done;
  await settle();
  assert.deepEqual(outcome, ['1 dropped: the queue was full', '2 written', '3 written']);
  const gap = JSON.parse(run.lines[0]!);
  assert.deepEqual([gap.type, gap.source, gap.count], ['gap', 'source', 1]);
});

/** A filter that counts and keeps the count. */
const counter = (options: { wait?: () => Promise<void> } = {}) =>
  made('filter', {
    name: 'counter',
    async *run(ctx: Context) {
      const state = ctx.state<{ n: number }>('counter');
      let n = (await state.read())?.n ?? 0;
      state.keep(() => ({ n }));
      for await (const record of ctx.input) {
        n++;
        await options.wait?.();
        yield { ...record, n };
      }
    },
  });
const kept = (dataDir: string): unknown => JSON.parse(readFileSync(join(dataDir, 'counter.json'), 'utf8')).n;

test("behind a filter with state, an input is safe after that state's next save, at most a second later", async () => {
  const clock = fakeClock();
  const input = openInput();
  const run = await startPipeline([counter()], { batches: input.batches, tracked: true, clock });
  input.push(1);
  input.push(2);
  await until(() => run.lines.length === 2);
  await clock.advance(999);
  assert.deepEqual(run.delivered, []);
  await clock.advance(1);
  await until(() => run.delivered.length > 0);
  assert.deepEqual([run.delivered, kept(run.dataDir)], [[2], 2]);
  input.push(3);
  await until(() => run.lines.length === 3);
  input.end();
  await run.done;
  assert.deepEqual([run.delivered, kept(run.dataDir)], [[2, 3], 3]);
});

test('an input that is being worked on when the state is saved is covered by the save after that', async () => {
  const clock = fakeClock();
  const input = openInput();
  let goOn = (): void => {};
  const wait = () =>
    new Promise<void>((resolve) => {
      goOn = resolve;
    });
  const run = await startPipeline([counter({ wait })], { batches: input.batches, tracked: true, clock });
  input.push(1);
  await settle();
  await clock.advance(1000);
  goOn();
  await until(() => run.lines.length === 1);
  assert.deepEqual(run.delivered, []);
  for (let i = 0; i < 5 && run.delivered.length === 0; i++) {
    await clock.advance(1000);
    await settle(50);
  }
  await until(() => run.delivered.length > 0);
  assert.deepEqual(run.delivered, [1]);
  input.end();
  await run.done;
});

test('a state that cannot be saved holds the acknowledgement, is told once, and is saved when that works again', async () => {
  const clock = fakeClock();
  const input = openInput();
  const run = await startPipeline([counter()], { batches: input.batches, tracked: true, clock });
  input.push(1);
  await until(() => run.lines.length === 1);
  const inTheWay = join(run.dataDir, 'counter.json');
  mkdirSync(inTheWay);
  await clock.advance(1000);
  await until(() => run.log.length > 0);
  for (let i = 0; i < 3; i++) {
    await clock.advance(1000);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.deepEqual(run.delivered, []);
  assert.equal(run.log.length, 1);
  assert.match(run.log[0]!, /^counter: warning: state: .*counter\.json: cannot be written: it is a folder$/);
  rmdirSync(inTheWay);
  for (let i = 0; i < 100 && run.delivered.length === 0; i++) {
    await clock.advance(1000);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.deepEqual([run.delivered, kept(run.dataDir)], [[1], 1]);
  assert.match(run.log[1]!, /^counter: state is saved again/);
  input.end();
  assert.equal((await run.done).status, 0);
});

test('a state that cannot be saved at the end is exit status 74, and its inputs are not acknowledged', async () => {
  const run = await startPipeline([counter()], { batches: batchesOf(lines(2)), tracked: true });
  mkdirSync(join(run.dataDir, 'counter.json'));
  const { status, failures } = await run.done;
  assert.equal(status, 74);
  assert.match(String(failures[0]?.error), /counter\.json: cannot be (read|written)/);
  assert.deepEqual(run.delivered, []);
});

test('a filter without input leaves its state file alone', async () => {
  const run = await startPipeline([counter()]);
  await run.done;
  assert.equal(existsSync(join(run.dataDir, 'counter.json')), false);
});

test('a sink knows whether what comes before it can wait: a source that asks for acknowledgements can, a live one can not', async () => {
  for (const asks of [true, false]) {
    let waits: boolean | undefined;
    const source = made('source', {
      async *run(ctx: Context) {
        const record = { type: 'x', n: 1 };
        if (asks) void ctx.written(record);
        yield record;
      },
    });
    const pass = made('filter', { each: () => (record: VoltRecord) => record });
    const sink = made('sink', {
      run: quiet(async (ctx) => {
        for await (const _record of ctx.input) waits = ctx.upstreamWaits;
      }),
    });
    await (await startPipeline([source, pass, sink], { tracked: true })).done;
    assert.equal(waits, asks);
  }
});
