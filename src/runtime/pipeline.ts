import type { Batch, Stream } from './batch.ts';
import type { AnyDefinition, Each } from './command.ts';
import { createContext } from './create-context.ts';
import { CommandError, exit, fail } from './exit.ts';
import type { Outcome } from './outcome.ts';
import type { Services, StageSetup } from './services.ts';
import { type Stage, startStage } from './stage.ts';
import { type Output, ReaderGone } from './stdout.ts';

/** A command with its settings, ready to start. */
export interface PlannedStage {
  definition: AnyDefinition;
  setup: StageSetup;
  /** Input that was no record, counted by `setup.reject`. */
  rejected(): number;
}

/** How a pipeline ended: the exit status, as `pipefail` has it, and each stage's failure. */
export interface PipelineResult {
  status: number;
  failures: { stage: PlannedStage; error: unknown }[];
}

/** How a stage ended, and whether it had been told to stop by then: its abort is no failure then. */
interface Ending extends Outcome {
  stopped: boolean;
}

/** Refuses what can't be a pipeline: a command behind another that reads nothing. */
export function checkPipeline(definitions: readonly AnyDefinition[]): void {
  for (const [index, { name, input }] of definitions.entries()) {
    if (index > 0 && input === 'none') throw fail('usage', `${name}: reads no input`, 'Put it first.');
  }
}

/**
 * Runs commands one behind the other in this process and writes what the last one puts out.
 *
 * @param source what the first reads (stdin), if it reads
 * @param tracked whether acknowledgements shall travel up to `source`; a source at the head always gets them
 */
export async function runPipeline(
  plan: readonly PlannedStage[],
  services: Services,
  source: Stream | undefined,
  output: Output,
  tracked: boolean,
): Promise<PipelineResult> {
  const stages: Stage[] = [];
  let wanted = tracked;
  for (const planned of plan) {
    const { kind, input: reads, takesOver } = planned.definition;
    const input = stages.at(-1) ?? (reads === 'none' ? undefined : source);
    stages.push(connect(planned, services, input, wanted));
    // A source, and what takes over, want to know what those behind them have delivered.
    wanted ||= kind === 'source' || takesOver === true;
  }
  const endings = stages.map(async ({ outcome }, index): Promise<Ending> => {
    const ended = await outcome;
    return { ...ended, stopped: plan[index]!.setup.stop.signal.aborted };
  });
  const last = stages.at(-1)!;
  const written = await drain(last, output, livesByItsOutput(plan.at(-1)!.definition));
  for (const stage of stages) stage.cancel();
  return judge(plan, await untilGrace(plan, endings, services), written instanceof ReaderGone ? undefined : written);
}

function connect(planned: PlannedStage, services: Services, input: Stream | undefined, tracked: boolean): Stage {
  const { definition, setup } = planned;
  const { common } = setup.settings;
  return startStage({
    definition,
    // What a sink shows in a dry run is what it was asked for.
    swallow: definition.receipts === true && !common.receipts && setup.settings.opts.dryRun !== true,
    limit: common.once && !definition.rounds?.(setup.settings.opts) ? 1 : common.count,
    input,
    tracked,
    stop: () => setup.stop.abort(new DOMException('stopped', 'AbortError')),
    isStopped: () => setup.stop.signal.aborted,
    reject: setup.reject,
    start(wiring) {
      const ctx = createContext(definition, setup, services, wiring);
      if (definition.run) return definition.run(ctx);
      return Promise.resolve(definition.each!(ctx)) as Promise<Each>;
    },
    async finish() {
      const failures: unknown[] = [];
      for (const end of setup.atEnd.splice(0).reverse()) {
        await Promise.resolve()
          .then(end)
          .catch((error: unknown) => failures.push(error));
      }
      if (failures.length > 0) throw failures[0];
    },
  });
}

/**
 * Whether a command is of no use without its reader even before its first record: it makes records or maps them. What brings them
 * somewhere, keeps them or does something else may never write at all.
 */
const livesByItsOutput = ({ kind, takesOver }: AnyDefinition): boolean =>
  (kind === 'source' || kind === 'filter') && takesOver !== true;

/**
 * Writes all that a stage puts out; the next batch is made while the last one is on its way. Returns what stopped it, or
 * undefined when it ended by itself. The reader is watched once something was written, or from the start.
 */
async function drain(stage: Stage, output: Output, fromStart: boolean): Promise<Error | undefined> {
  let count = 0;
  let failure: Error | undefined;
  let failed: (() => void) | undefined;
  let writing = Promise.resolve();
  let unwatch: (() => void) | undefined;

  const fall = (error: Error): void => {
    failure = error;
    failed?.();
  };

  const watch = (): void => {
    unwatch ??= output.watch?.(() => fall(new ReaderGone()));
  };

  const write = async (batch: Batch): Promise<void> => {
    try {
      await output.write(batch);
      count += batch.items.length;
      stage.delivered(count);
      watch();
    } catch (error) {
      fall(error as Error);
    }
  };

  if (fromStart) watch();
  for (;;) {
    const batch = await new Promise<Batch | undefined>((resolve) => {
      // A reader that goes away ends the run at once, not with the next record.
      failed = () => resolve(undefined);
      if (failure) failed();
      else void stage.next().then(resolve);
    });
    await writing;
    if (!batch || failure) {
      unwatch?.();
      return failure;
    }
    writing = write(batch);
  }
}

/** Once nothing is left to write, a stage that goes on is waited for no longer than the grace time. */
async function untilGrace(
  plan: readonly PlannedStage[],
  endings: readonly Promise<Ending>[],
  { clock }: Services,
): Promise<readonly Ending[]> {
  const { grace } = plan[0]!.setup.settings.common;
  let giveUp = (): void => {};
  const late = new Promise<undefined>((resolve) => {
    giveUp = clock.after(grace, () => resolve(undefined));
  });
  const outcomes = await Promise.all(
    endings.map(async (ending, index) => {
      const ended = await Promise.race([ending, late]);
      if (!ended) plan[index]!.setup.log.warn('did not end when nobody read on; left behind');
      return ended ?? { status: exit.ok, stopped: true };
    }),
  );
  giveUp();
  return outcomes;
}

const isAbort = (error: unknown): boolean => error instanceof Error && error.name === 'AbortError';

function judge(
  plan: readonly PlannedStage[],
  endings: readonly Ending[],
  writeError: Error | undefined,
): PipelineResult {
  const failures: PipelineResult['failures'] = [];
  let status: number = exit.ok;
  for (const [index, stage] of plan.entries()) {
    const { error, status: own, stopped } = endings[index]!;
    if (error !== undefined && stopped && isAbort(error)) continue;
    if (error !== undefined) failures.push({ stage, error });
    const final = own === exit.ok && stage.rejected() > 0 ? exit.data : own;
    if (final !== exit.ok) status = final;
  }
  if (writeError) {
    failures.push({ stage: plan.at(-1)!, error: writeError });
    status = writeError instanceof CommandError ? writeError.status : exit.software;
  }
  return { status, failures };
}
