import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { VoltRecord } from '../../src/records/record.ts';
import { type Batch, emptyBatch, lineOf, type Stream } from '../../src/runtime/batch.ts';
import { type Clock, systemClock } from '../../src/runtime/clock.ts';
import type { AnyDefinition, Definition, Kind } from '../../src/runtime/command.ts';
import type { Context } from '../../src/runtime/context.ts';
import { fail } from '../../src/runtime/exit.ts';
import { createHealth } from '../../src/runtime/health.ts';
import { createLog, createRedactor } from '../../src/runtime/logger.ts';
import { noMetrics } from '../../src/runtime/metrics.ts';
import { type PipelineResult, type PlannedStage, runPipeline } from '../../src/runtime/pipeline.ts';
import { settle } from '../../src/runtime/settings.ts';
import { ReaderGone } from '../../src/runtime/stdout.ts';

/** A made-up command, with what every definition must have filled in. */
export function made(kind: Kind, rest: Partial<Definition>): AnyDefinition {
  return {
    name: rest.name ?? kind,
    kind,
    input: kind === 'source' ? 'none' : 'required',
    format: 'record',
    summary: 'x',
    description: 'x',
    options: {},
    examples: [],
    countable: true,
    receipts: kind === 'sink',
    ...rest,
  };
}

/** The `run` of a command that puts nothing out. */
export function quiet(work: (ctx: Context) => Promise<unknown>): NonNullable<Definition['run']> {
  // biome-ignore lint/correctness/useYield: that is its point.
  return async function* run(ctx) {
    await work(ctx);
    return undefined;
  };
}

/** A record whose line no stringification gives back. */
export const oddLine = (n: number): string => `{"type":"x", "n":${n}.0,"big":12345678901234567890,"e":"\\u00fc"}`;

/** Batches of lines as stdin would bring them; `null` is a line that was no record, and takes a number. */
export function batchesOf(...batches: readonly (readonly string[])[]): Batch[] {
  let line = 0;
  return batches.map((texts) => ({
    items: texts.map((text) => JSON.parse(text) as VoltRecord),
    texts: [...texts],
    lines: texts.map(() => ++line),
  }));
}

/** How stages are run. */
export interface PipelineOptions {
  batches?: readonly Batch[] | AsyncIterable<Batch>;
  flags?: readonly Record<string, unknown>[];
  tracked?: boolean;
  /** What comes before delivers again what was not delivered. */
  waits?: boolean;
  clock?: Clock;
  dataDir?: string;
  /** Called for each batch that is written; what it returns is waited for, `'gone'` is a reader that went away. */
  write?: (lines: readonly string[]) => Promise<unknown> | unknown;
  /** Gets what the reader's leaving calls, when the pipeline begins to watch it. */
  watch?: (gone: () => void) => void;
}

/** What came of it, while it goes on and at the end. */
export interface PipelineRun {
  /** What was written. */
  lines: string[];
  log: string[];
  /** Every report of how many inputs are safe. */
  delivered: number[];
  /** How many batches were read. */
  read: number;
  cancelled: boolean;
  plan: readonly PlannedStage[];
  dataDir: string;
  done: Promise<PipelineResult>;
}

/** Runs made-up commands as one pipeline. */
export async function startPipeline(
  definitions: readonly AnyDefinition[],
  options: PipelineOptions = {},
): Promise<PipelineRun> {
  const clock = options.clock ?? systemClock;
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'voltpipe-pipeline-'));
  const redactor = createRedactor();
  const run = { lines: [], log: [], delivered: [], read: 0, cancelled: false, dataDir } as unknown as PipelineRun;
  const sink = { clock, redactor, write: (line: string) => void run.log.push(line.trimEnd()) };
  const deadline = new AbortController();
  const health = createHealth(clock);
  run.plan = await Promise.all(
    definitions.map(async (definition, index): Promise<PlannedStage> => {
      const line = { flags: { noConfig: true, dataDir, ...options.flags?.[index] }, args: [] };
      const settings = await settle(definition, line, { HOME: dataDir });
      const log = createLog(definition.name, { level: 'info', format: 'text', journal: false }, sink);
      let bad = 0;
      return {
        definition,
        rejected: () => bad,
        setup: {
          name: definition.name,
          settings,
          log,
          health: health.stage(definition.name),
          stop: new AbortController(),
          deadline,
          atEnd: [],
          resettle: async () => settings,
          reject(why, number) {
            bad++;
            if (settings.common.strict) throw fail('data', `line ${number}: ${why}`);
            log.warn(`line ${number}: ${why}`);
          },
        },
      };
    }),
  );
  run.done = runPipeline(
    run.plan,
    {
      clock,
      redactor,
      metrics: noMetrics,
      health,
      http: undefined,
      screen: { interactive: false, shared: false, columns: 80, color: false, print() {}, draw() {} },
      runtimeDir: join(dataDir, 'run'),
      spawn: () => assertNever(),
      onReload() {},
    },
    sourceOf(options.batches ?? [], run, options.waits ?? false),
    {
      async write(batch) {
        const lines = batch.items.map((item, index) => lineOf(item, batch.texts[index]));
        if ((await options.write?.(lines)) === 'gone') throw new ReaderGone();
        run.lines.push(...lines);
      },
      watch(gone) {
        options.watch?.(gone);
        return () => {};
      },
    },
    options.tracked ?? false,
  );
  return run;
}

function assertNever(): never {
  throw new Error('no children here');
}

function sourceOf(batches: readonly Batch[] | AsyncIterable<Batch>, run: PipelineRun, waits: boolean): Stream {
  const iterator = Symbol.asyncIterator in batches ? batches[Symbol.asyncIterator]() : batches[Symbol.iterator]();
  return {
    async next() {
      if (run.cancelled) return undefined;
      const step = await iterator.next();
      if (step.done) return undefined;
      run.read++;
      return step.value ?? emptyBatch();
    },
    cancel() {
      run.cancelled = true;
    },
    delivered: (count) => void run.delivered.push(count),
    waits,
  };
}
