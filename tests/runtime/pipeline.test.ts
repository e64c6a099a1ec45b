import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Context } from '../../src/runtime/context.ts';
import { CommandError, fail } from '../../src/runtime/exit.ts';
import { checkPipeline } from '../../src/runtime/pipeline.ts';
import { fakeClock, settle } from '../support/clock.ts';
import { batchesOf, made, quiet, startPipeline } from '../support/fixture-pipeline.ts';

const endless = (name = 'endless') =>
  made('source', {
    name,
    async *run(ctx: Context) {
      for (let n = 1; !ctx.signal.aborted; n++) yield { type: 'x', n };
    },
  });
const pass = made('filter', { name: 'pass', each: () => (record) => record });
const count = (counts: number[]) =>
  made('sink', {
    name: 'count',
    run: quiet(async (ctx) => {
      let n = 0;
      for await (const _ of ctx.input) n++;
      counts.push(n);
    }),
  });
const failing = (name: string, status: Parameters<typeof fail>[0], after = 2) =>
  made('filter', {
    name,
    async *run(ctx: Context) {
      let n = 0;
      for await (const record of ctx.input) {
        if (++n > after) throw fail(status, `${name} failed`);
        yield record;
      }
    },
  });

test('a stage that fails is the end of input for those behind it, and the end of work for those before it', async () => {
  const counts: number[] = [];
  const { done } = await startPipeline([endless(), pass, failing('middle', 'protocol', 7), count(counts)]);
  const { status, failures } = await done;
  assert.equal(status, 76);
  assert.deepEqual(
    failures.map(({ stage }) => stage.definition.name),
    ['middle'],
  );
  assert.deepEqual(counts, [7]);
});

test('a stage that has had enough ends the ones before it, and that is no failure', async () => {
  const counts: number[] = [];
  const three = made('filter', {
    name: 'three',
    async *run(ctx: Context) {
      let n = 0;
      for await (const record of ctx.input) {
        yield record;
        if (++n === 3) return;
      }
    },
  });
  const { done } = await startPipeline([endless(), pass, three, count(counts)]);
  assert.deepEqual(await done, { status: 0, failures: [] });
  assert.deepEqual(counts, [3]);
});

test('the rightmost stage that failed gives the exit status, as pipefail does', async () => {
  const status = async (...stages: Parameters<typeof startPipeline>[0]) =>
    (await (await startPipeline(stages, { batches: batchesOf(Array(9).fill('{"type":"x"}')) })).done).status;
  assert.equal(await status(failing('a', 'unavailable'), failing('b', 'protocol', 1)), 76);
  assert.equal(await status(failing('a', 'unavailable', 1), failing('b', 'protocol', 5)), 69);
  assert.equal(await status(failing('a', 'unavailable', 1), pass), 69);
  const returning = made('filter', {
    async *run(ctx: Context) {
      for await (const record of ctx.input) yield record;
      return 75;
    },
  });
  assert.equal(await status(failing('a', 'unavailable', 1), returning), 75);
});

test('a reader that goes away ends every stage without a failure', async () => {
  for (const stages of [[endless()], [endless(), pass], [endless(), failing('never', 'io', 1e9), pass]]) {
    const { done } = await startPipeline(stages, { write: () => 'gone' });
    assert.deepEqual(await done, { status: 0, failures: [] });
  }
});

test('a reader that leaves while nothing is written ends sources and filters; what may never write is watched once it has written', async () => {
  const idle = (ctx: Context) => new Promise<void>((resolve) => ctx.signal.addEventListener('abort', () => resolve()));
  const silent = made('source', { run: quiet(idle) });
  const store = made('filter', { takesOver: true, each: () => (record) => record });
  const speaking = made('tool', {
    input: 'none',
    async *run(ctx: Context) {
      yield { type: 'x' };
      await idle(ctx);
      return undefined;
    },
  });
  for (const stages of [[silent], [silent, pass], [speaking]]) {
    let leave = (): void => assert.fail('not watched');
    const run = await startPipeline(stages, {
      watch(gone) {
        leave = gone;
      },
    });
    await settle();
    leave();
    assert.deepEqual(await run.done, { status: 0, failures: [] });
  }
  for (const last of [store, made('sink', { run: quiet(idle) }), made('tool', { run: quiet(idle) })]) {
    let watched = false;
    const run = await startPipeline([silent, last], {
      watch() {
        watched = true;
      },
    });
    await settle();
    assert.equal(watched, false);
    for (const { setup } of run.plan) setup.stop.abort();
    await run.done;
  }
});

test('a disk that is full is the status of the pipeline, and its stages end', async () => {
  const { done } = await startPipeline([endless(), pass], {
    write() {
      throw fail('io', 'stdout: cannot be written: ENOSPC');
    },
  });
  const { status, failures } = await done;
  assert.equal(status, 74);
  assert.equal(failures.length, 1);
});

test('a source that waits for its record to be written ends when the reader is gone', async () => {
  let told = '';
  const waiting = made('source', {
    async *run(ctx: Context) {
      const record = { type: 'x' };
      const written = ctx.written(record);
      yield record;
      await written.catch((error: Error) => {
        told = error.message;
      });
    },
  });
  const { done } = await startPipeline([waiting], { write: () => 'gone' });
  assert.equal((await done).status, 0);
  assert.match(told, /reader went away/);
});

test('a stage that does not end when nobody reads on is left behind after the grace time, and said', async () => {
  const clock = fakeClock();
  const deaf = made('source', {
    name: 'deaf',
    async *run() {
      yield { type: 'x' };
      await new Promise(() => {});
    },
  });
  const { done, log } = await startPipeline([deaf], { clock, write: () => 'gone' });
  let ended = false;
  void done.then(() => {
    ended = true;
  });
  await settle();
  await clock.advance(4999);
  assert.equal(ended, false);
  await clock.advance(1);
  assert.equal((await done).status, 0);
  assert.deepEqual(log, ['deaf: warning: did not end when nobody read on; left behind']);
});

test('clean-up of one thing goes on when that of another fails, and the failure is told', async () => {
  const { done, plan, lines } = await startPipeline([pass], { batches: batchesOf(['{"type":"x"}']) });
  let released = false;
  plan[0]!.setup.atEnd.push(
    () => {
      released = true;
    },
    () => Promise.reject(fail('io', 'state: cannot be written')),
  );
  assert.equal((await done).status, 74);
  assert.ok(released);
  assert.equal(lines.length, 1);
});

test('an abort is no failure of a stage that was told to stop, and one of a stage that was not', async () => {
  const aborting = made('source', {
    run: quiet(
      (ctx) => new Promise((_, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason))),
    ),
  });
  const stopped = await startPipeline([aborting]);
  await settle();
  stopped.plan[0]!.setup.stop.abort(new DOMException('stopped', 'AbortError'));
  assert.deepEqual(await stopped.done, { status: 0, failures: [] });
  const own = made('source', {
    run: quiet(() => Promise.reject(new DOMException('own time-out', 'AbortError'))),
  });
  assert.equal((await (await startPipeline([own])).done).status, 70);
});

test('a command that reads nothing can only stand first', () => {
  assert.throws(
    () => checkPipeline([pass, endless('late')]),
    (error: unknown) =>
      error instanceof CommandError && error.status === 64 && /late: reads no input/.test(error.message),
  );
});
