import { writeSync } from 'node:fs';
import type { Stream } from './batch.ts';
import { createSpawner } from './children.ts';
import { systemClock } from './clock.ts';
import type { AnyDefinition } from './command.ts';
import { CommandError, exit, fail } from './exit.ts';
import { createHealth } from './health.ts';
import { descriptorKind, type Host, takeHost } from './host.ts';
import { listenHttp } from './http.ts';
import type { Log } from './log.ts';
import { createLog, createRedactor, type Level, type LogSink, type LogStyle } from './logger.ts';
import { createMetrics, noMetrics } from './metrics.ts';
import { startNotifier } from './notify.ts';
import { runtimeDirectory } from './paths.ts';
import { checkPipeline, type PlannedStage, runPipeline } from './pipeline.ts';
import { createReloader } from './reload.ts';
import { createScreen } from './screen.ts';
import type { Services, StageSetup } from './services.ts';
import { type CommandLine, parseCommandLine, type Settings, settle } from './settings.ts';
import { said, say } from './stderr.ts';
import { stdinStream } from './stdin.ts';
import { stdoutWriter } from './stdout.ts';

/** A command and the words after its name. */
export interface Launch {
  definition: AnyDefinition;
  argv: readonly string[];
}

/** Longest line that is read. */
const maxLine = 1024 * 1024;
/** Bad lines that are said one by one; the rest is counted. */
const saidBadLines = 10;

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

/** Prints an error that came before there was a log. Returns the exit status. */
export function report(error: unknown, name: string): number {
  if (!(error instanceof CommandError)) {
    say(`${name}: bug: ${error instanceof Error ? error.stack : String(error)}\n`);
    return exit.software;
  }
  for (const line of sentence(error).split('\n')) say(`${name}: ${line}\n`);
  return error.status;
}

/** `what failed: why. Next step.` */
function sentence(error: CommandError): string {
  return error.next ? `${error.message}. ${error.next}` : error.message;
}

/** Ends the process once stderr has been read; stdout has been waited for already. */
export async function endProcess(status: number): Promise<never> {
  await said();
  process.exit(status);
}

async function settleAll(
  launches: readonly Launch[],
  inherited: CommandLine['flags'],
  host: Host,
): Promise<{ line: CommandLine; settings: Settings }[]> {
  const settled: { line: CommandLine; settings: Settings }[] = [];
  const problems: { name: string; error: CommandError }[] = [];
  for (const { definition, argv } of launches) {
    try {
      const line = await parseCommandLine(definition, argv);
      settled.push({ line, settings: await settle(definition, line, host.env, inherited) });
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      problems.push({ name: definition.name, error });
    }
  }
  if (problems.length === 0) return settled;
  const status = problems.every(({ error }) => error.status === exit.usage) ? exit.usage : exit.config;
  const single = launches.length === 1;
  const lines = problems.map(({ name, error }) => (single ? sentence(error) : `${name}: ${sentence(error)}`));
  throw new CommandError(status, lines.join('\n'));
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
  if (first.input === 'required' && descriptorKind(0) === 'terminal') {
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
  const sink: LogSink = { write: say, clock, redactor };
  const listen = settled.map(({ settings }) => settings.common.http).find((where) => where !== undefined);
  const metrics = listen === undefined ? noMetrics : await createMetrics();
  const http = listen === undefined ? undefined : await listenHttp(listen, health, metrics);
  const spawner = createSpawner(host);
  const reloads: (() => Promise<void>)[] = [];
  const reloader = createReloader(
    [...new Set(settled.flatMap(({ settings }) => settings.sources.map(({ file }) => file)))],
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
  const plan = launches.map(({ definition }, index) =>
    planStage(
      definition,
      settled[index]!,
      deadline,
      (name) => createLog(name, logStyle(settled[index]!.settings, host, paint), sink),
      host,
      inherited,
    ),
  );
  const logs = plan.map(({ setup }) => setup.log);
  if (http) logs[0]!.info(`health and metrics at ${http.url}`);

  const acknowledge = acknowledgement(host, definitions.at(-1)!);
  const source: (Stream & { stop(): void }) | undefined =
    first.input === 'none' || descriptorKind(0) === 'terminal' || descriptorKind(0) === 'closed'
      ? undefined
      : stdinStream(
          { maxLine, untyped: first.untyped === true },
          {
            onBad: ({ line, why }) => plan[0]!.badLine(line, why),
            ...(acknowledge ? { onDelivered: acknowledge } : {}),
          },
        );

  const notifier = startNotifier(host, health, clock);
  const ending = controlEnding(plan, source, deadline, () => notifier?.stopping());
  process.on('uncaughtException', (error) => {
    logs[0]!.error(`bug: ${error.stack ?? error.message}`);
    spawner.endAll();
    process.exit(exit.software);
  });

  const result = await runPipeline(plan, services, source, stdoutWriter(), acknowledge !== undefined);
  for (const { stage, error } of result.failures) sayFailure(stage.setup.log, error);
  for (const stage of plan) stage.sumUp();
  ending.close();
  notifier?.close();
  reloader.close();
  http?.close();
  spawner.endAll();
  if (ending.signal) return dieBy(ending.signal);
  return endProcess(ending.timedOut ? exit.later : result.status);
}

/** Colours of messages on a terminal; chalk is loaded for that alone. */
async function terminalColours(): Promise<(level: Level, line: string) => string> {
  const { Chalk } = await import('chalk');
  const chalk = new Chalk({ level: 1 });
  const colours: Record<Level, (line: string) => string> = {
    debug: chalk.dim,
    info: (line) => line,
    warn: chalk.yellow,
    error: chalk.red,
  };
  return (level, line) => colours[level](line);
}

function logStyle(settings: Settings, host: Host, paint: LogStyle['paint']): LogStyle {
  const { common } = settings;
  return {
    level: common.verbose ? 'debug' : common.quiet ? 'error' : common.logLevel,
    format: common.logFormat,
    paint,
    journal: host.underJournal,
    file: common.logFile ?? (common.fileLogging ? common.fileLoggingPath : undefined),
  };
}

function sayFailure(log: Log, error: unknown): void {
  if (error instanceof CommandError) for (const line of sentence(error).split('\n')) log.error(line);
  else log.error(`bug: ${error instanceof Error ? error.stack : String(error)}`);
}

interface RunningStage extends PlannedStage {
  badLine(line: number, why: string): void;
  /** Says how many bad lines there were beyond those said. */
  sumUp(): void;
}

function planStage(
  definition: AnyDefinition,
  { line, settings }: { line: CommandLine; settings: Settings },
  deadline: AbortController,
  makeLog: (name: string) => Log,
  host: Host,
  inherited: CommandLine['flags'],
): RunningStage {
  const log = makeLog(definition.name);
  let bad = 0;
  const badLine = (number: number, why: string): void => {
    bad++;
    const message = number > 0 ? `line ${number}: not a record: ${why}` : `not a record: ${why}`;
    if (settings.common.strict) throw fail('data', message);
    if (bad <= saidBadLines) log.warn(message);
  };
  const setup: StageSetup = {
    name: definition.name,
    settings,
    log,
    stop: new AbortController(),
    deadline,
    reject: (why, number) => badLine(number, why),
    resettle: () => settle(definition, line, host.env, inherited),
    atEnd: [],
  };
  return {
    definition,
    setup,
    badLine,
    rejected: () => bad,
    sumUp() {
      if (bad > saidBadLines) log.warn(`${bad} lines were no records`);
    },
  };
}

/** Where a sink acknowledges to, after design section 4; a command that would break the count says so. */
function acknowledgement(host: Host, last: AnyDefinition): ((lines: number) => void) | undefined {
  const fd = host.ackFd;
  if (fd === undefined || !Number.isInteger(fd)) return undefined;
  const say = (text: string): void => {
    try {
      writeSync(fd, text);
    } catch {
      // Whoever asked for acknowledgements went away.
    }
  };
  if (last.kind !== 'sink') {
    say('x\n');
    return undefined;
  }
  say('0\n');
  return (lines) => say(`${lines}\n`);
}

interface Ending {
  readonly signal: NodeJS.Signals | undefined;
  readonly timedOut: boolean;
  close(): void;
}

/** Of the grace time, the share in which input is still read to its end; the rest is for flushing. */
const drainShare = 0.8;

/** First signal or --timeout: sources stop, filters drain, sinks flush, all within --grace. Second signal: at once. */
function controlEnding(
  plan: readonly PlannedStage[],
  source: { stop(): void } | undefined,
  deadline: AbortController,
  onStop: () => void,
): Ending {
  const { grace, timeout } = plan[0]!.setup.settings.common;
  const cancels: (() => void)[] = [];
  let signal: NodeJS.Signals | undefined;
  let timedOut = false;

  const stop = (): void => {
    onStop();
    for (const { setup } of plan) setup.stop.abort(new DOMException('stopped', 'AbortError'));
    if (descriptorKind(0) === 'file') source?.stop();
    cancels.push(
      systemClock.after(grace * drainShare, () => {
        source?.stop();
        deadline.abort(new DOMException('the grace time is over', 'AbortError'));
      }),
      systemClock.after(grace, () => {
        plan[0]!.setup.log.warn(
          `not finished ${Math.round(grace / 1000)} s after it was told to stop; what was left is lost`,
        );
        if (signal) void dieBy(signal);
        else process.exit(exit.later);
      }),
    );
  };
  const onSignal = (received: NodeJS.Signals): void => {
    if (signal) return void dieBy(received);
    signal = received;
    stop();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  if (timeout !== undefined) {
    const cancel = systemClock.after(
      timeout,
      () => {
        timedOut = true;
        stop();
      },
      { idle: true },
    );
    cancels.push(cancel);
  }
  return {
    get signal() {
      return signal;
    },
    get timedOut() {
      return timedOut;
    },
    close() {
      for (const cancel of cancels) cancel();
    },
  };
}

/** Ends by the signal itself, so that the parent sees how we died. */
async function dieBy(signal: NodeJS.Signals): Promise<never> {
  await said();
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  return new Promise(() => {});
}
