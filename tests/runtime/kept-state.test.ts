import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { VoltRecord } from '../../src/records/record.ts';
import type { Context } from '../../src/runtime/context.ts';
import { fakeClock, settle, turnUntil } from '../support/clock.ts';
import { until } from '../support/fixture.ts';
import { made, type PipelineRun, quiet, startPipeline } from '../support/fixture-pipeline.ts';
import { openInput } from '../support/open-input.ts';

/** A filter that counts, saves in step with what is delivered, and puts out each second record. */
const counter = (stretch?: number, ballast = '') =>
  made('filter', {
    name: 'counter',
    async *run(ctx: Context) {
      let n = 0;
      ctx.state('counter').keep(() => ({ n, ballast }), stretch);
      for await (const record of ctx.input) if (++n % 2 === 0) yield record;
    },
  });

/** A sink that delivers when the test says so, or at once, and ends when its input does or the test lets it fail. */
function heldSink(atOnce = false) {
  const seen: unknown[] = [];
  let deliver = (_n: number): void => {};
  let giveUp = (): void => {};
  const failed = new Promise<void>((_, reject) => {
    giveUp = () => reject(new Error('gone'));
  });
  failed.catch(() => {});
  const command = made('sink', {
    run: quiet(async (ctx) => {
      deliver = ctx.delivered;
      const read = async (): Promise<void> => {
        for await (const record of ctx.input) {
          seen.push(record.n);
          if (atOnce) ctx.delivered(1);
        }
      };
      await Promise.race([read(), failed]);
    }),
  });
  return { command, seen, deliver: (n: number) => deliver(n), giveUp: () => giveUp() };
}

async function start(sink: ReturnType<typeof heldSink>, stretch: number | undefined, waits = true, ballast = '') {
  const clock = fakeClock();
  const input = openInput();
  let at = 0;
  async function* batches() {
    for await (const record of input) yield { items: [record], texts: [undefined], lines: [++at] };
  }
  const run = await startPipeline([counter(stretch, ballast), sink.command], {
    batches: batches(),
    tracked: true,
    waits,
    clock,
  });
  const push = (from: number, to: number): void =>
    input.push(...Array.from({ length: to - from + 1 }, (_, i): VoltRecord => ({ type: 'x', n: from + i })));
  return { run, clock, push, end: input.end };
}
const saved = ({ dataDir }: PipelineRun): number | undefined => {
  const path = join(dataDir, 'counter.json');
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')).n as number) : undefined;
};

test('what is saved in step is what was delivered: until then no more is read', async () => {
  const sink = heldSink();
  const { run, clock, push, end } = await start(sink, 100);
  push(1, 3);
  await until(() => sink.seen.length === 1);
  await clock.advance(3000);
  push(4, 7);
  await settle(20);
  assert.deepEqual([sink.seen, saved(run), run.delivered], [[2], undefined, []]);
  sink.deliver(1);
  await until(() => run.delivered.length === 1);
  assert.deepEqual([saved(run), run.delivered], [3, [3]]);
  await until(() => sink.seen.length === 3);
  sink.deliver(2);
  end();
  assert.equal((await run.done).status, 0);
  assert.deepEqual([saved(run), run.delivered], [7, [3, 7]]);
});

test('no more than the stretch is read between two saves', async () => {
  const sink = heldSink(true);
  const { run, clock, push, end } = await start(sink, 4);
  push(1, 10);
  await until(() => sink.seen.length === 2);
  await settle(20);
  assert.deepEqual(sink.seen, [2, 4]);
  await clock.advance(1000);
  await until(() => sink.seen.length === 4);
  assert.deepEqual(sink.seen, [2, 4, 6, 8]);
  await until(() => saved(run) === 4);
  await turnUntil(clock, 1000, () => sink.seen.length === 5);
  end();
  assert.equal((await run.done).status, 0);
  assert.equal(run.delivered.at(-1), 10);
});

test('a sink that gives up leaves what was saved with its last delivery', async () => {
  const sink = heldSink();
  const { run, clock, push, end } = await start(sink, 100);
  push(1, 2);
  await until(() => sink.seen.length === 1);
  sink.deliver(1);
  await turnUntil(clock, 1000, () => run.delivered.length === 1);
  push(3, 6);
  await until(() => sink.seen.length > 1);
  await clock.advance(1000);
  sink.giveUp();
  end();
  assert.equal((await run.done).status, 70);
  assert.deepEqual([saved(run), run.delivered], [2, [2]]);
});

test('where nothing is delivered again, what has been read is saved', async () => {
  const sink = heldSink();
  const { run, clock, push, end } = await start(sink, 4, false);
  push(1, 9);
  await until(() => sink.seen.length === 4);
  await clock.advance(1000);
  await until(() => saved(run) === 9);
  end();
  await run.done;
});

test('a large state is saved seldom', async () => {
  const sink = heldSink(true);
  const { run, clock, push, end } = await start(sink, undefined, false, 'x'.repeat(160_000));
  push(1, 2);
  await until(() => sink.seen.length === 1);
  await clock.advance(1000);
  await until(() => saved(run) === 2);
  push(3, 4);
  await until(() => sink.seen.length === 2);
  await clock.advance(4000);
  await settle(20);
  assert.equal(saved(run), 2);
  await clock.advance(3000);
  await until(() => saved(run) === 4);
  end();
  await run.done;
});
