import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VoltRecord } from '../../src/records/record.ts';
import type { Context } from '../../src/runtime/context.ts';
import { fail } from '../../src/runtime/exit.ts';
import { settle } from '../support/clock.ts';
import { batchesOf, made, oddLine, type PipelineOptions, quiet, startPipeline } from '../support/fixture-pipeline.ts';

const line = (n: number, type = 'x'): string => JSON.stringify({ type, n });
const lines = (from: number, to: number): string[] => Array.from({ length: to - from + 1 }, (_, i) => line(from + i));

async function run(definitions: Parameters<typeof startPipeline>[0], options: PipelineOptions = {}) {
  const started = await startPipeline(definitions, options);
  return {
    ...started,
    ...(await started.done),
    log: started.log,
    lines: started.lines,
    cancelled: () => started.cancelled,
  };
}

/** The same filter in both forms. */
const forms = {
  each: (map: (record: VoltRecord) => VoltRecord | VoltRecord[] | undefined, rest = {}) =>
    made('filter', { name: 'each', each: () => map, ...rest }),
  run: (map: (record: VoltRecord) => VoltRecord | VoltRecord[] | undefined, rest = {}) =>
    made('filter', {
      name: 'run',
      async *run(ctx: Context) {
        for await (const record of ctx.input) {
          const out = map(record);
          if (Array.isArray(out)) yield* out;
          else if (out) yield out;
        }
      },
      ...rest,
    }),
};

for (const [form, filter] of Object.entries(forms)) {
  test(`${form}: a record becomes none, one or several, in order`, async () => {
    const triple = filter((record) => {
      const n = record.n as number;
      if (n % 3 === 0) return undefined;
      return n % 3 === 1 ? { ...record, n: n * 10 } : [record, { ...record, n: -n }];
    });
    const { lines: out, status } = await run([triple], { batches: batchesOf(lines(1, 4), lines(5, 6)) });
    assert.deepEqual(
      out,
      [10, 2, -2, 40, 5, -5].map((n) => line(n)),
    );
    assert.equal(status, 0);
  });

  test(`${form}: an unchanged record keeps its line byte for byte, a changed one is written anew`, async () => {
    const filter2 = filter((record) => (record.n === 2 ? { ...record, n: 'changed' } : record));
    const odd = [1, 2, 3].map(oddLine);
    const { lines: out } = await run([filter2], { batches: batchesOf(odd) });
    assert.deepEqual(out, [odd[0], '{"type":"x","n":"changed","big":12345678901234567000,"e":"ü"}', odd[2]]);
  });

  test(`${form}: lines stay what they were through three stages in one process`, async () => {
    const odd = Array.from({ length: 100 }, (_, n) => oddLine(n));
    const same = filter((record) => record);
    const mixed = [same, forms.each((record) => record), forms.run((record) => record)];
    const { lines: out } = await run(mixed, { batches: batchesOf(odd.slice(0, 33), odd.slice(33)) });
    assert.deepEqual(out, odd);
  });

  test(`${form}: types that the filter does not read pass it untouched and in their place`, async () => {
    const shout = filter((record) => ({ ...record, n: `${record.n}!` }), { reads: ['mine'] });
    const mixed = [line(1, 'mine'), oddLine(2), line(3, 'mine'), oddLine(4), oddLine(5)];
    const { lines: out } = await run([shout], { batches: batchesOf(mixed.slice(0, 2), mixed.slice(2)) });
    assert.deepEqual(out, [
      line('1!' as never, 'mine'),
      oddLine(2),
      line('3!' as never, 'mine'),
      oddLine(4),
      oddLine(5),
    ]);
  });

  test(`${form}: no more is read than the reader takes, and a foreign type is no exception`, async () => {
    for (const reads of [undefined, ['other']]) {
      let open = (): void => {};
      const gate = new Promise<void>((resolve) => {
        open = resolve;
      });
      async function* endless() {
        for (let n = 0; n < 100; n++) yield* batchesOf(lines(1, 100));
      }
      const started = await startPipeline([filter((record) => record, { reads })], {
        batches: endless(),
        write: () => gate,
      });
      await settle(200);
      // 512 items ahead of the reader, one batch in the making and one on its way out.
      assert.ok(started.read <= 18, `${started.read} batches of 100 were read ahead`);
      open();
      await started.done;
      assert.equal(started.lines.length, 10_000);
    }
  });

  test(`${form}: what was made before a failure goes out, wherever the chunk ended; then the input is left alone`, async () => {
    const failing = filter((record) => {
      if (record.n === 4) throw fail('protocol', 'far side: nonsense');
      return record;
    });
    const {
      lines: out,
      status,
      failures,
      cancelled,
    } = await run([failing], { batches: batchesOf(lines(1, 6), lines(7, 8)) });
    assert.deepEqual(out, lines(1, 3));
    assert.equal(status, 76);
    assert.match(String(failures[0]?.error), /nonsense/);
    assert.ok(cancelled());
  });

  test(`${form}: an error that is none of ours is a bug, exit status 70`, async () => {
    const broken = filter(() => {
      throw new TypeError('x is undefined');
    });
    const { status, failures } = await run([broken], { batches: batchesOf(lines(1, 1)) });
    assert.equal(status, 70);
    assert.ok(failures[0]?.error instanceof TypeError);
  });

  test(`${form}: lines of text from the stage before are read as records; what is none is said by number`, async () => {
    const texts = made('source', {
      name: 'texts',
      format: 'json',
      async *run() {
        yield oddLine(1);
        yield 'nonsense';
        yield '[1]';
        yield '{"n":1}';
        yield '{"type":5}';
        yield oddLine(2);
      },
    });
    const { lines: out, status, log } = await run([texts, filter((record) => record)]);
    assert.deepEqual(out, [oddLine(1), oddLine(2)]);
    assert.equal(status, 65);
    assert.deepEqual(log, [
      `${form}: warning: line 2: not JSON`,
      `${form}: warning: line 3: not a JSON object`,
      `${form}: warning: line 4: no "type"`,
      `${form}: warning: line 5: "type" is not a string`,
    ]);
  });

  test(`${form}: --strict stops at the first of them, after what came before it`, async () => {
    const texts = made('source', {
      async *run() {
        yield line(1);
        yield 'nonsense';
        yield line(2);
      },
    });
    const { lines: out, status } = await run([texts, filter((record) => record)], { flags: [{}, { strict: true }] });
    assert.deepEqual(out, [line(1)]);
    assert.equal(status, 65);
  });
}

test('ctx.reject counts the record last read, with its line number', async () => {
  const picky = made('filter', {
    async *run(ctx: Context) {
      for await (const record of ctx.input) {
        if (record.n === 2) ctx.reject('no even numbers');
        else yield record;
      }
    },
  });
  const { status, log } = await run([picky], { batches: batchesOf(lines(1, 3)) });
  assert.equal(status, 65);
  assert.deepEqual(log, ['filter: warning: line 2: no even numbers']);
});

test('ctx.text gives the line as it came in, also for a record read a moment ago in another chunk', async () => {
  const texts: string[] = [];
  const holding = made('sink', {
    run: quiet(async (ctx) => {
      let held: VoltRecord | undefined;
      for await (const record of ctx.input) {
        if (held) texts.push(ctx.text(held));
        held = record;
      }
      if (held) texts.push(ctx.text(held));
      texts.push(ctx.text({ type: 'made', n: 1 }));
    }),
  });
  await run([holding], { batches: batchesOf([oddLine(1)], [oddLine(2), oddLine(3)], [oddLine(4)]) });
  assert.deepEqual(texts, [oddLine(1), oddLine(2), oddLine(3), oddLine(4), '{"type":"made","n":1}']);
});

test('a filter that passes on a record one chunk later still writes it as it came', async () => {
  const delaying = made('filter', {
    async *run(ctx: Context) {
      let held: VoltRecord | undefined;
      for await (const record of ctx.input) {
        if (held) yield held;
        held = record;
      }
      if (held) yield held;
    },
  });
  const { lines: out } = await run([delaying], { batches: batchesOf([oddLine(1)], [oddLine(2)], [oddLine(3)]) });
  assert.deepEqual(out, [oddLine(1), oddLine(2), oddLine(3)]);
});

test('what a generator makes without waiting leaves together, and nothing is held back when it waits', async () => {
  const writes: number[] = [];
  let goOn = (): void => {};
  const source = made('source', {
    async *run() {
      for (let n = 1; n <= 5; n++) yield { type: 'x', n };
      await new Promise<void>((resolve) => {
        goOn = resolve;
      });
      yield { type: 'x', n: 6 };
    },
  });
  const started = await startPipeline([source], { write: (batch) => void writes.push(batch.length) });
  await settle();
  assert.deepEqual(writes, [5]);
  goOn();
  await started.done;
  assert.deepEqual(writes, [5, 1]);
});

test('-n ends a source after so many records, with its clean-up run', async () => {
  let cleaned = false;
  const source = made('source', {
    async *run(ctx: Context) {
      try {
        for (let n = 1; ; n++) yield { type: 'x', n };
      } finally {
        cleaned = ctx.signal.aborted;
      }
    },
  });
  const { lines: out, status } = await run([source], { flags: [{ count: '3' }] });
  assert.deepEqual(out, lines(1, 3));
  assert.equal(status, 0);
  assert.ok(cleaned);
  assert.equal((await run([source], { flags: [{ once: true }] })).lines.length, 1);
});

const receipts = made('sink', {
  async *run(ctx: Context) {
    for await (const _record of ctx.input) yield { type: 'receipt', ok: true };
  },
});

test('receipts go nowhere without --receipts', async () => {
  assert.deepEqual((await run([receipts], { batches: batchesOf(lines(1, 2)) })).lines, []);
  const { lines: out } = await run([receipts], { batches: batchesOf(lines(1, 2)), flags: [{ receipts: true }] });
  assert.deepEqual(out, ['{"type":"receipt","ok":true}', '{"type":"receipt","ok":true}']);
});

test('a foreign type never reaches a sink and is never written by it', async () => {
  const seen: unknown[] = [];
  const sink = made('sink', {
    reads: ['mine'],
    run: quiet(async (ctx) => {
      for await (const record of ctx.input) seen.push(record.n);
    }),
  });
  const { lines: out } = await run([sink], {
    batches: batchesOf([line(1), line(2, 'mine'), line(3)]),
    flags: [{ receipts: true }],
  });
  assert.deepEqual([seen, out], [[2], []]);
});
