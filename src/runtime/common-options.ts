import type { AnyDefinition } from './command.ts';
import type { OptionSpec, Options } from './options.ts';

/** Options of every command. */
const everywhere = {
  config: {
    type: 'file',
    summary: 'configuration file, YAML or JSON',
    env: ['VOLTPIPE_CONFIG'],
  },
  noConfig: { type: 'flag', env: ['VOLTPIPE_NO_CONFIG'], summary: 'read no configuration file and no system.json' },
  checkConfig: { type: 'flag', summary: 'check the configuration against its schema and end' },
  dataDir: {
    type: 'file',
    value: 'DIR',
    summary: 'directory of tokens, registry, ledgers and filter state',
    env: ['VOLTPIPE_DATA_DIR'],
  },
  envFile: { type: 'file', summary: 'read environment variables from a .env file; those already set win' },
  timeout: { type: 'duration', summary: 'end the whole run after this time with exit status 75' },
  grace: { type: 'duration', default: 5000, summary: 'time to drain after a signal', rare: true },
  logLevel: {
    type: 'choice',
    choices: ['debug', 'info', 'warn', 'error'],
    default: 'info',
    key: 'logging.level',
    env: ['BATTERYHAWK_LOGGING_LEVEL'],
    summary: 'least severe message to print on stderr',
  },
  logFormat: {
    type: 'choice',
    choices: ['text', 'json'],
    default: 'text',
    key: 'logging.format',
    summary: 'form of the messages on stderr',
  },
  logFile: { type: 'file', summary: 'also append messages to this file, with time stamps' },
  fileLogging: {
    type: 'flag',
    configOnly: true,
    key: 'logging.file_logging',
    env: ['BATTERYHAWK_LOGGING_FILE_LOGGING'],
    summary: 'append messages to logging.log_file',
  },
  fileLoggingPath: {
    type: 'file',
    configOnly: true,
    default: '/data/battery_hawk.log',
    key: 'logging.log_file',
    env: ['BATTERYHAWK_LOGGING_LOG_FILE'],
    summary: 'the file for logging.file_logging',
  },
  verbose: { type: 'flag', short: 'v', summary: 'same as --log-level debug' },
  quiet: { type: 'flag', short: 'q', summary: 'same as --log-level error' },
  version: { type: 'flag', short: 'V', summary: 'print the version and end' },
  help: { type: 'flag', short: 'h', summary: 'print help, examples first, and end' },
} as const satisfies Options;

const ofReaders = {
  strict: { type: 'flag', summary: 'stop at the first line that is not a record, with exit status 65' },
} as const satisfies Options;

const ofLongRunning = {
  http: {
    type: 'string',
    value: '[HOST:]PORT',
    summary: 'serve /healthz, /readyz and /metrics; the host is 127.0.0.1 unless given',
  },
} as const satisfies Options;

const ofCountable = {
  count: { type: 'integer', short: 'n', min: 1, summary: 'end after this many records' },
  once: { type: 'flag', summary: 'same as --count 1' },
} as const satisfies Options;

const ofSinks = {
  receipts: { type: 'flag', summary: 'print one receipt record a delivery on stdout' },
} as const satisfies Options;

/** What every command knows of its common options once they are parsed. */
export interface CommonValues {
  config?: string;
  noConfig: boolean;
  checkConfig: boolean;
  dataDir?: string;
  envFile?: string;
  timeout?: number;
  grace: number;
  logLevel: 'debug' | 'info' | 'warn' | 'error';
  logFormat: 'text' | 'json';
  logFile?: string;
  fileLogging: boolean;
  fileLoggingPath: string;
  verbose: boolean;
  quiet: boolean;
  strict?: boolean;
  http?: string;
  count?: number;
  once?: boolean;
  receipts?: boolean;
}

/** The options that a command has beside its own, by what it is. */
export function commonOptions(definition: AnyDefinition): Options {
  return {
    ...(definition.countable ? ofCountable : {}),
    ...(definition.receipts ? ofSinks : {}),
    ...(definition.input === 'none' ? {} : ofReaders),
    ...(definition.longRunning ? ofLongRunning : {}),
    ...everywhere,
  };
}

/** The flag of an option: `minInterval` → `--min-interval`; a secret is read from a file; undefined for what the command line can't say. */
export function flagOf(name: string, spec: OptionSpec): string | undefined {
  if (spec.configOnly || spec.type === 'map' || spec.type === 'object') return undefined;
  const kebab = (spec.flag ?? name).replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  if (spec.type === 'secret') return `--${kebab}-file`;
  return spec.type === 'flag' && spec.default === true ? `--no-${kebab}` : `--${kebab}`;
}

/**
 * The environment names of an option, in order of precedence: `VOLTPIPE_<SECTION>_<KEY>` made of its configuration key, then
 * those that a requirement fixes. A secret may also be in a file that `<NAME>_FILE` names.
 */
export function environmentNames(spec: OptionSpec): readonly string[] {
  if (spec.type === 'object' || !spec.key) return fixedNames(spec);
  const words = spec.key.replace(/([a-z0-9])([A-Z])/g, '$1_$2').replaceAll(/[.-]/g, '_');
  return [`VOLTPIPE_${words.toUpperCase()}`, ...fixedNames(spec)];
}

/** Those of its environment names that a requirement fixes. */
export function fixedNames(spec: OptionSpec): readonly string[] {
  return spec.type === 'object' ? [] : (spec.env ?? []);
}

/** The name of a secret in `$CREDENTIALS_DIRECTORY`: `abrp.userToken` → `abrp-user-token`. */
export function credentialName(name: string, spec: OptionSpec): string {
  return (spec.key ?? name)
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replaceAll(/[._]/g, '-')
    .toLowerCase();
}
