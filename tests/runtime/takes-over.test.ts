import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Context } from '../../src/runtime/context.ts';
import { settle } from '../support/clock.ts';
import { until } from '../support/fixture.ts';
import { batchesOf, made, quiet, startPipeline } from '../support/fixture-pipeline.ts';

const lines = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => JSON.stringify({ type: 'x', n: from + i }));

/** A store that hands on what it reads, and notes what it is told. */
function store() {
  const told: number[] = [];
  const events: string[] = [];
  let deliver = (_n: number): void => {};
  const command = made('filter', {
    name: 'store',
    takesOver: true,
    async *run(ctx: Context) {
      deliver = ctx.delivered;
      ctx.onDelivered((count) => void told.push(count));
      ctx.atEnd(() => void events.push('end'));
      for await (const record of ctx.input) yield record;
      events.push('read');
    },
  });
  return { command, told, events, deliver: (n: number) => deliver(n) };
}

/** A sink that says `delivered` when the test lets it, also after the end of its input. */
function heldSink() {
  const seen: unknown[] = [];
  let deliver = (_n: number): void => {};
  let end = (): void => {};
  const over = new Promise<void>((resolve) => {
    end = resolve;
  });
  const command = made('sink', {
    run: quiet(async (ctx) => {
      deliver = ctx.delivered;
      for await (const record of ctx.input) seen.push(record.n);
      await over;
    }),
  });
  return { command, seen, deliver: (n: number) => deliver(n), end: () => end() };
}

test('the input of what takes over is safe when it says so, not when its output is', async () => {
  const kept = store();
  const sink = heldSink();
  const run = await startPipeline([kept.command, sink.command], { batches: batchesOf(lines(1, 4)), tracked: true });
  await until(() => sink.seen.length === 4);
  sink.deliver(4);
  await settle();
  assert.deepEqual([run.delivered, kept.told], [[], [4]]);
  kept.deliver(3);
  assert.deepEqual(run.delivered, [3]);
  sink.end();
  await run.done;
  assert.deepEqual(run.delivered, [3]);
});

test('it is told of its output although nobody before it asks, and until those behind it have ended', async () => {
  const kept = store();
  const sink = heldSink();
  const run = await startPipeline([kept.command, sink.command], { batches: batchesOf(lines(1, 3)) });
  await until(() => kept.events.includes('read') && sink.seen.length === 3);
  await settle();
  assert.deepEqual([kept.told, kept.events], [[], ['read']]);
  sink.deliver(2);
  sink.deliver(1);
  sink.end();
  assert.equal((await run.done).status, 0);
  assert.deepEqual(
    [kept.told, kept.events],
    [
      [2, 3],
      ['read', 'end'],
    ],
  );
});

test('alone, what is written is delivered', async () => {
  const kept = store();
  const run = await startPipeline([kept.command], { batches: batchesOf(lines(1, 2), lines(3, 3)) });
  await run.done;
  assert.equal(kept.told.at(-1), 3);
  assert.equal(kept.events.at(-1), 'end');
});

test('it reads on when nobody takes its output', async () => {
  let read = 0;
  const reader = made('filter', {
    takesOver: true,
    async *run(ctx: Context) {
      const reading = (async () => {
        for await (const _ of ctx.input) read++;
      })();
      for (let n = 0; n < 600; n++) yield { type: 'x', n };
      await reading;
    },
  });
  let go = (): void => {};
  const gone = new Promise<void>((resolve) => {
    go = resolve;
  });
  const slow = made('sink', {
    run: quiet(async (ctx) => {
      for await (const _ of ctx.input) {
        await gone;
        break;
      }
    }),
  });
  const run = await startPipeline([reader, slow], {
    batches: batchesOf(...Array.from({ length: 50 }, () => lines(1, 50))),
  });
  await until(() => read === 2500, 'reading');
  go();
  await run.done;
});
