import type { Host } from './host.ts';
import type { Level, LogStyle } from './logger.ts';
import type { Settings } from './settings.ts';

/** Colours of messages on a terminal; chalk is loaded for that alone. */
export async function terminalColours(): Promise<(level: Level, line: string) => string> {
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

/** How a command's messages look, by its settings and where stderr leads. */
export function logStyle(settings: Settings, host: Host, paint: LogStyle['paint']): LogStyle {
  const { common } = settings;
  return {
    level: common.verbose ? 'debug' : common.quiet ? 'error' : common.logLevel,
    format: common.logFormat,
    paint,
    journal: host.underJournal,
    file: common.logFile ?? (common.fileLogging ? common.fileLoggingPath : undefined),
  };
}
