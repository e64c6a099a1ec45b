import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { VoltRecord } from '../../src/records/record.ts';
import type { Batch, Item, Stream } from '../../src/runtime/batch.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import type { AnyDefinition } from '../../src/runtime/command.ts';
import { CommandError } from '../../src/runtime/exit.ts';
import { createHealth, type Health, type StageHealth } from '../../src/runtime/health.ts';
import type { Log } from '../../src/runtime/log.ts';
import { createLog, createRedactor, type LogSink } from '../../src/runtime/logger.ts';
import { noMetrics } from '../../src/runtime/metrics.ts';
import { type PlannedStage, runPipeline } from '../../src/runtime/pipeline.ts';
import type { Services } from '../../src/runtime/services.ts';
import { allOptions, settle } from '../../src/runtime/settings.ts';
import { vocabularyFaults } from './vocabulary.ts';

/** How a command is run in a test. */
export interface RunOptions {
  /** What it reads; a function gets the stop signal. Default: nothing. */
  input?: Iterable<Item> | AsyncIterable<Item>;
  /** Option values as the command line would give them, by name: text, `true` for a flag. */
  flags?: Record<string, unknown>;
  args?: readonly string[];
  /** Environment variables (default none). */
  env?: Record<string, string>;
  clock?: Clock;
  /** Default: a fresh folder below the system's temporary one. */
  dataDir?: string;
  runtimeDir?: string;
  /** Aborts as a signal would. */
  signal?: AbortSignal;
  /** Sees each item as it comes out. */
  onItem?: (item: Item) => void;
  health?: Health;
  /** What `ctx.spawn` does; without it a child is a failure of the test. */
  spawn?: Services['spawn'];
  /** The terminal (default: none, what is printed goes to the log). */
  screen?: Services['screen'];
  /** Gets each function that a changed configuration calls. */
  onReload?: Services['onReload'];
}

/** What came of it. */
export interface RunResult {
  items: Item[];
  /** The items that are records. */
  records: VoltRecord[];
  status: number;
  /** The error that the command threw. */
  error: Error | undefined;
  /** stderr, line by line. */
  log: string[];
  /** How many of its input records are safe, as the last acknowledgement said. */
  delivered: number;
  dataDir: string;
}

/** A stream of items, one batch each. */
export function streamOf(items: Iterable<Item> | AsyncIterable<Item>, onDelivered: (count: number) => void): Stream {
  const iterator =
    Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : (items as Iterable<Item>)[Symbol.iterator]();
  let line = 0;
  let cancelled = false;
  return {
    async next() {
      if (cancelled) return undefined;
      const step = await iterator.next();
      if (step.done) return undefined;
      return { items: [step.value], texts: [undefined], lines: [++line] };
    },
    cancel() {
      cancelled = true;
    },
    delivered: onDelivered,
  };
}

/**
 * Runs one command, or several as a pipeline, in this process, with everything around it replaced. Rejects when a record that the
 * command makes is not as the vocabulary has it.
 */
export async function runCommand(
  command:
    | AnyDefinition
    | readonly { command: AnyDefinition; flags?: Record<string, unknown>; args?: readonly string[] }[],
  options: RunOptions = {},
): Promise<RunResult> {
  const commands = Array.isArray(command)
    ? (command as { command: AnyDefinition; flags?: Record<string, unknown>; args?: readonly string[] }[])
    : [{ command: command as AnyDefinition, flags: options.flags, args: options.args }];
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'voltpipe-test-'));
  const clock = options.clock ?? systemClock;
  const log: string[] = [];
  const redactor = createRedactor();
  const sink: LogSink = { clock, redactor, write: (line) => void log.push(line.trimEnd()) };
  const services: Services = {
    clock,
    redactor,
    metrics: noMetrics,
    health: options.health ?? createHealth(clock),
    http: undefined,
    screen: options.screen ?? {
      interactive: false,
      shared: false,
      columns: 80,
      color: false,
      print: (text) => void log.push(text),
      draw() {},
    },
    runtimeDir: options.runtimeDir ?? join(dataDir, 'run'),
    spawn:
      options.spawn ??
      (() => {
        throw new Error('no children in this test');
      }),
    onReload: options.onReload ?? (() => {}),
  };
  const result: RunResult = { items: [], records: [], status: 0, error: undefined, log, delivered: 0, dataDir };
  let plan: PlannedStage[];
  try {
    plan = await Promise.all(
      commands.map((one) =>
        planned(
          one.command,
          one.flags ?? {},
          one.args ?? [],
          dataDir,
          options,
          createLog(one.command.name, { level: 'debug', format: 'text', journal: false }, sink),
          services.health.stage(one.command.name),
        ),
      ),
    );
  } catch (error) {
    return { ...result, status: error instanceof CommandError ? error.status : 70, error: error as Error };
  }
  options.signal?.addEventListener('abort', () => {
    for (const { setup } of plan) setup.stop.abort(new DOMException('stopped', 'AbortError'));
  });
  const source = streamOf(options.input ?? [], (count) => {
    result.delivered = count;
  });
  const { format, writes = [] } = commands.at(-1)!.command as AnyDefinition;
  const faults = new Set<string>();
  const check = (item: Item): void => {
    // What a sink would send, with --dry-run, may be anything.
    if (typeof item === 'string' && !item.startsWith('{')) return;
    const record = typeof item === 'string' ? (JSON.parse(item) as VoltRecord) : item;
    if (record.type !== undefined && writes.includes(record.type))
      for (const fault of vocabularyFaults(record)) faults.add(fault);
  };
  const output = {
    async write(batch: Batch): Promise<void> {
      for (const item of batch.items) {
        result.items.push(item);
        if (format === 'record') check(item);
        if (typeof item !== 'string') result.records.push(item);
        options.onItem?.(item);
      }
    },
  };
  const ended = await runPipeline(plan, services, source, output, true);
  if (faults.size > 0) throw new Error([...faults].join('\n'));
  return { ...result, status: ended.status, error: ended.failures.at(-1)?.error as Error | undefined };
}

async function planned(
  definition: AnyDefinition,
  flags: Record<string, unknown>,
  args: readonly string[],
  dataDir: string,
  options: RunOptions,
  log: Log,
  health: StageHealth,
): Promise<PlannedStage> {
  if (definition.kind === 'source' && definition.longRunning) health.unready('starting');
  for (const name of Object.keys(flags)) {
    if (!(name in allOptions(definition))) throw new Error(`${definition.name} has no option ${name}`);
  }
  const line = { flags: { noConfig: flags.config === undefined, dataDir, ...flags }, args };
  const settings = await settle(definition, line, { HOME: dataDir, ...options.env });
  let rejected = 0;
  return {
    definition,
    rejected: () => rejected,
    setup: {
      name: definition.name,
      settings,
      log,
      health,
      stop: new AbortController(),
      deadline: new AbortController(),
      reject(why, line) {
        rejected++;
        log.warn(`${line > 0 ? `line ${line}: ` : ''}not a record: ${why}`);
      },
      resettle: () => settle(definition, line, { HOME: dataDir, ...options.env }),
      atEnd: [],
    },
  };
}
