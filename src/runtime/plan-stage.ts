import type { AnyDefinition } from './command.ts';
import { CommandError, exit, fail, sentence } from './exit.ts';
import type { Host } from './host.ts';
import type { PlannedStage } from './pipeline.ts';
import type { StageSetup } from './services.ts';
import { type CommandLine, parseCommandLine, type Settings, settle } from './settings.ts';

/** Bad lines that are said one by one; the rest is counted. */
const saidBadLines = 10;

/** A command and the words after its name. */
export interface Launch {
  definition: AnyDefinition;
  argv: readonly string[];
}

/** A launch whose words and options have been understood. */
export interface SettledLaunch {
  definition: AnyDefinition;
  line: CommandLine;
  settings: Settings;
}

/**
 * Settles the options of all stages. Throws the problems of all of them at once: exit status 64 when command lines alone are
 * wrong, else 78.
 *
 * @param inherited flags that hold for every stage
 */
export async function settleAll(
  launches: readonly Launch[],
  inherited: CommandLine['flags'],
  host: Host,
): Promise<SettledLaunch[]> {
  const settled: SettledLaunch[] = [];
  const problems: { name: string; error: CommandError }[] = [];
  for (const { definition, argv } of launches) {
    try {
      const line = await parseCommandLine(definition, argv);
      settled.push({ definition, line, settings: await settle(definition, line, host.env, inherited) });
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      problems.push({ name: definition.name, error });
    }
  }
  if (problems.length === 0) return settled;
  const status = problems.every(({ error }) => error.status === exit.usage) ? exit.usage : exit.config;
  const single = launches.length === 1;
  const lines = problems.flatMap(({ name, error }) =>
    sentence(error)
      .split('\n')
      .map((line) => (single ? line : `${name}: ${line}`)),
  );
  throw new CommandError(status, lines.join('\n'));
}

/** A stage of a process. */
export interface RunningStage extends PlannedStage {
  badLine(line: number, why: string): void;
  /** Says how many bad lines there were beyond those said. */
  sumUp(): void;
}

/** Makes a stage of a settled launch: its log, its signals, its account of bad input. */
export function planStage(
  { definition, line, settings }: SettledLaunch,
  { deadline, log, health }: Pick<StageSetup, 'deadline' | 'log' | 'health'>,
  host: Host,
  inherited: CommandLine['flags'],
): RunningStage {
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
    health,
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
