import { acknowledgement } from './acknowledgement.ts';
import type { Stream } from './batch.ts';
import { createSpawner } from './children.ts';
import { systemClock } from './clock.ts';
import { controlEnding, dieBy } from './ending.ts';
import { keepYoungSmall } from './engine.ts';
import { exit, fail } from './exit.ts';
import { controlHangup } from './hangup.ts';
import { createHealth } from './health.ts';
import { descriptorKind, type Host, takeHost } from './host.ts';
import { listenHttp } from './http.ts';
import { logStyle, terminalColours } from './log-style.ts';
import { createLog, createRedactor, type LogSink } from './logger.ts';
import { createMetrics, noMetrics } from './metrics.ts';
import { longestLine } from './ndjson.ts';
import { startNotifier } from './notify.ts';
import { runtimeDirectory } from './paths.ts';
import { checkPipeline, type PlannedStage, runPipeline } from './pipeline.ts';
import { type Launch, planStage, settleAll } from './plan-stage.ts';
import { createReloader } from './reload.ts';
import { endProcess, report, sayFailure } from './report.ts';
import { createScreen } from './screen.ts';
import type { Services } from './services.ts';
import type { CommandLine } from './settings.ts';
import { say } from './stderr.ts';
import { stdinStream } from './stdin.ts';
import { stdoutWriter } from './stdout.ts';

/**
 * Runs one command, or several as a pipeline, as the whole business of this process: options, logging, signals, health, exit
 * status. Does not return: the process ends here.
 *
 * @param inherited flags that hold for every stage (those of `voltpipe run`)
 */
export async function runProcess(launches: readonly Launch[], inherited: CommandLine['flags'] = {}): Promise<never> {
  const host = takeHost();
  try {
    return await runLaunches(launches, inherited, host);
  } catch (error) {
    return endProcess(report(error, launches.length === 1 ? launches[0]!.definition.name : 'voltpipe run'));
  }
}

async function runLaunches(launches: readonly Launch[], inherited: CommandLine['flags'], host: Host): Promise<never> {
  const definitions = launches.map(({ definition }) => definition);
  checkPipeline(definitions);
  const settled = await settleAll(launches, inherited, host);
  const { common } = settled[0]!.settings;
  if (common.checkConfig) {
    const { checkConfiguration } = await import('./check-config.ts');
    return endProcess(await checkConfiguration(settled.map(({ settings }) => settings)));
  }
  const first = definitions[0]!;
  const elsewhere = first.inputOption !== undefined && Boolean(settled[0]!.settings.opts[first.inputOption]);
  if (first.input === 'required' && !elsewhere && descriptorKind(0) === 'terminal') {
    throw fail(
      'usage',
      'reads records from stdin, which is a terminal',
      `Pipe something into it; see '${first.name} --help'.`,
    );
  }

  const clock = systemClock;
  const redactor = createRedactor();
  const screen = createScreen(host.env);
  const paint = screen.color ? await terminalColours() : undefined;
  const health = createHealth(clock);
  const sink: LogSink = { write: screen.interactive ? screen.print : say, clock, redactor };
  const listen = [inherited.http as string | undefined, ...settled.map(({ settings }) => settings.common.http)].find(
    (where) => where !== undefined,
  );
  const metrics = listen === undefined ? noMetrics : await createMetrics();
  const http = listen === undefined ? undefined : await listenHttp(listen, health, metrics);
  const spawner = createSpawner(host);
  const reloads: (() => Promise<void>)[] = [];
  const reloader = createReloader(
    [...new Set(settled.flatMap(({ settings }) => settings.watched))],
    clock,
    () => void Promise.all(reloads.map((reload) => reload())),
  );
  const services: Services = {
    clock,
    redactor,
    metrics,
    health,
    http,
    screen,
    runtimeDir: runtimeDirectory(host.env, process.getuid?.() ?? 0),
    spawn: spawner.spawn,
    onReload(fn) {
      reloads.push(fn);
      reloader.start();
    },
  };

  const deadline = new AbortController();
  const plan = settled.map((launch) => {
    const log = createLog(launch.definition.name, logStyle(launch.settings, host, paint), sink);
    return planStage(launch, { deadline, log, health: health.stage(launch.definition.name) }, host, inherited);
  });
  const logs = plan.map(({ setup }) => setup.log);
  if (http) logs[0]!.info(`health and metrics at ${http.url}`);
  await warnOfUnknownKeys(plan);

  const acknowledge = acknowledgement(host, definitions.at(-1)!);
  const source: (Stream & { stop(): void }) | undefined =
    first.input === 'none' || descriptorKind(0) === 'terminal' || descriptorKind(0) === 'closed'
      ? undefined
      : stdinStream(
          { maxLine: longestLine, untyped: first.untyped === true },
          {
            onBad: ({ line, why }) => plan[0]!.badLine(line, why),
            ...(acknowledge ? { onDelivered: acknowledge } : {}),
          },
        );

  for (const { definition, setup } of plan) {
    // A source is ready when it has proven so; the others have nothing to prove before their first record.
    if (definition.kind === 'source' && definition.longRunning) setup.health.unready('starting');
  }
  const notifier = startNotifier(host, health, clock);
  const ending = controlEnding(plan, source, deadline, () => notifier?.stopping());
  for (const stage of plan) stage.setup.breakOff = (error) => ending.breakOff(stage, error);
  controlHangup(host.hangup, reloader, clock, ending.hangUp);
  // A file that grows beyond its limit is a write that fails, as on a full disk.
  process.on('SIGXFSZ', () => {});
  process.on('uncaughtException', (error) => {
    logs[0]!.error(`bug: ${error.stack ?? error.message}`);
    void spawner.endAll().then(() => process.exit(exit.software));
  });
  process.on('beforeExit', () => {
    logs[0]!.error('bug: the run is not over, but nothing is left that could end it');
    process.exit(exit.software);
  });

  if (definitions.at(-1)!.frugal) keepYoungSmall();
  const result = await runPipeline(plan, services, source, stdoutWriter(), acknowledge !== undefined);
  for (const { stage, error } of result.failures) sayFailure(stage.setup.log, error);
  for (const stage of plan) stage.sumUp();
  ending.close();
  notifier?.close();
  reloader.close();
  http?.close();
  await spawner.endAll();
  if (ending.signal) return dieBy(ending.signal);
  return endProcess(ending.timedOut ? exit.later : result.status);
}

/** Says which keys of the configuration count for nothing. */
async function warnOfUnknownKeys(plan: readonly PlannedStage[]): Promise<void> {
  const files = new Map(
    plan.flatMap(({ setup }) => setup.settings.sources.map(({ file, tree }) => [file, tree] as const)),
  );
  if (files.size === 0) return;
  const { unknownKeys } = await import('./check-config.ts');
  for (const [file, tree] of files) {
    for (const key of unknownKeys(tree)) plan[0]!.setup.log.warn(`${file}: unknown key '${key}' counts for nothing`);
  }
}
