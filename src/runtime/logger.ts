import { appendFileSync } from 'node:fs';
import type { Clock } from './clock.ts';
import type { Log, LogFields } from './log.ts';
import { say } from './stderr.ts';
import { inWords } from './system-error.ts';

/** Severity of a message, from least to most. */
export const levels = ['debug', 'info', 'warn', 'error'] as const;
export type Level = (typeof levels)[number];

/** journald reads the severity from the start of a line. */
const priorities: Record<Level, string> = { debug: '<7>', info: '<6>', warn: '<4>', error: '<3>' };
const words: Record<Level, string> = { debug: 'debug: ', info: '', warn: 'warning: ', error: '' };

/** Texts that must not be seen. One for the whole process. */
export interface Redactor {
  add(secret: string): void;
  clean(text: string): string;
}

const shortestSecret = 6;
const vin = /(?<![A-Za-z0-9])(?=[A-Z]*\d)(?=\d*[A-Z])[A-HJ-NPR-Z0-9]{17}(?![A-Za-z0-9])/g;
const secretParameter = /([?&](?:token|api_key|access_token|code|password)=)[^&\s"']+/gi;
const urlPassword = /(:\/\/[^\s/:@"']*:)[^\s/@"']+@/g;

/** Replaces registered secrets, secrets in URLs, and all of a VIN but its last four characters. */
export function createRedactor(): Redactor {
  const secrets: string[] = [];
  return {
    add(secret) {
      if (secret.length < shortestSecret || secrets.includes(secret)) return;
      secrets.push(secret);
      // Longest first: a secret may begin with another.
      secrets.sort((a, b) => b.length - a.length);
    },
    clean(text) {
      let out = text;
      for (const secret of secrets) out = out.replaceAll(secret, '[redacted]');
      return out
        .replace(secretParameter, '$1[redacted]')
        .replace(urlPassword, '$1[redacted]@')
        .replace(vin, (found) => `VIN…${found.slice(-4)}`);
    },
  };
}

/** How messages are written. */
export interface LogStyle {
  level: Level;
  format: 'text' | 'json';
  /** Colours a line, where stderr is a terminal that shows colours. */
  paint?: ((level: Level, line: string) => string) | undefined;
  /** stderr is the journal. */
  journal: boolean;
  file?: string | undefined;
}

/** Where messages go. */
export interface LogSink {
  write(line: string): void;
  clock: Clock;
  redactor: Redactor;
}

/** The lines of messages may hold no control characters but these. */
const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029]/g;
const plainValue = /^[\w.:/@%+,…-]+$/;

function showField(value: string | number | boolean): string {
  const text = String(value).replaceAll('\n', ' ').replace(control, '');
  return typeof value !== 'string' || plainValue.test(text) ? text : JSON.stringify(text);
}

type Fact = [string, string | number | boolean];

/** The fields that are there, without secrets: cleaned before they are quoted, since quoting hides a secret from the redactor. */
function factsOf(fields: LogFields | undefined, redactor: Redactor): Fact[] {
  return Object.entries(fields ?? {})
    .filter((entry): entry is Fact => entry[1] !== undefined)
    .map(([key, value]) => [key, typeof value === 'string' ? redactor.clean(value) : value]);
}

function showFacts(facts: readonly Fact[]): string {
  return facts.length === 0 ? '' : ` (${facts.map(([key, value]) => `${key}=${showField(value)}`).join(', ')})`;
}

/** The length of an outage as people say it. */
export function showDuration(ms: number): string {
  const units: [number, string][] = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1000, 's'],
  ];
  const unit = units.find(([size]) => ms >= size * 2) ?? [1, 'ms'];
  return `${Math.round(ms / unit[0])} ${unit[1]}`;
}

/** The log of one command. */
export function createLog(name: string, style: LogStyle, sink: LogSink): Log {
  const threshold = levels.indexOf(style.level);
  const outages = new Map<string, number>();
  if (style.file) appendToFile(name, style.file, '');

  const say = (level: Level, message: string, fields?: LogFields): void => {
    if (levels.indexOf(level) < threshold) return;
    const text = sink.redactor.clean(message.replace(control, ''));
    const time = new Date(sink.clock.now()).toISOString();
    const facts = factsOf(fields, sink.redactor);
    const head = { time, level, command: name, message: text };
    const line =
      style.format === 'json'
        ? JSON.stringify({ ...head, ...Object.fromEntries(facts), ...head })
        : `${name}: ${words[level]}${text}${showFacts(facts)}`;
    sink.write(`${decorate(level, line, style)}\n`);
    if (style.file) {
      appendToFile(
        name,
        style.file,
        style.format === 'json' ? `${line}\n` : `${time} ${level.toUpperCase()} ${line}\n`,
      );
    }
  };

  return {
    debug: (message, fields) => say('debug', message, fields),
    info: (message, fields) => say('info', message, fields),
    warn: (message, fields) => say('warn', message, fields),
    error: (message, fields) => say('error', message, fields),
    lost(key, message, fields) {
      if (outages.has(key)) return say('debug', message, fields);
      outages.set(key, sink.clock.monotonic());
      say('warn', message, fields);
    },
    recovered(key, message, fields) {
      const since = outages.get(key);
      if (since === undefined) return;
      outages.delete(key);
      say('info', message, { ...fields, after: showDuration(sink.clock.monotonic() - since) });
    },
  };
}

function decorate(level: Level, line: string, style: LogStyle): string {
  if (style.format === 'json') return line;
  if (style.journal)
    return line
      .split('\n')
      .map((part) => priorities[level] + part)
      .join('\n');
  return style.paint ? style.paint(level, line) : line;
}

let fileComplained = false;

/** Appends to a log file; a file that can't be written is said once. With no text at the start, so that it is not found out too late. */
function appendToFile(name: string, file: string, text: string): void {
  try {
    appendFileSync(file, text, { mode: 0o640 });
  } catch (error) {
    if (fileComplained) return;
    fileComplained = true;
    say(`${name}: log file ${file}: cannot be written: ${inWords(error)}\n`);
  }
}
