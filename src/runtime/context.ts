import type { ChildProcess, SpawnOptions } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { VoltRecord } from '../records/record.ts';
import type { Clock } from './clock.ts';
import type { ConfigSource } from './config.ts';
import type { Log } from './log.ts';
import type { Options, SecretName, Values } from './options.ts';
import type { Queue, QueueOptions } from './queue.ts';
import type { State } from './state.ts';
import type { Timers } from './timers.ts';

/** All that a command sees of the world. */
export interface Context<O extends Options = Options> {
  /** The command's name, as in messages. */
  readonly name: string;
  /** Positional arguments. */
  readonly args: readonly string[];
  /** Options: parsed, validated, with defaults. */
  readonly opts: Values<O>;
  /** `--once` was given; of use to a command with `rounds` in its definition. */
  readonly once: boolean;
  /** The records to read, one by one. A command with input `none` gets an empty one. */
  readonly input: AsyncIterable<VoltRecord>;
  /** Aborts when the command shall stop: a signal, `--timeout`, a reader that went away. Sources end; filters and sinks go on to the end of input. */
  readonly signal: AbortSignal;
  /** Aborts when nobody waits any longer: the grace time after a signal is over. What still runs gives up. */
  readonly deadline: AbortSignal;
  readonly log: Log;
  readonly clock: Clock;
  /** The data directory (tokens, registry, ledgers); made on first use with mode 0700. */
  readonly dataDir: string;
  /** The directory of sockets and adapter locks. */
  readonly runtimeDir: string;
  /** The configuration files that were read, strongest first. */
  readonly configFiles: readonly ConfigSource[];
  /** For a source: resolves when the record has left the process, or in `voltpipe run` when the sink has acknowledged it; rejects when it was dropped. Call it before the record is yielded. */
  written(record: VoltRecord): Promise<void>;
  /** For a sink, or what takes over: `n` more records of its input, in order, are safe. A sink that never calls it never acknowledges. */
  delivered(n: number): void;
  /** For what takes over: `fn` gets the count of its output, in order, that is safe behind it: acknowledged in `voltpipe run`, else written. */
  onDelivered(fn: (count: number) => void): void;
  /**
   * The command has failed, and may be held up all the same: by a reader that takes nothing, or a sink that waits for its far side. All stop
   * as on a signal, and end within the grace time. The command throws the error when it gets there; else it is said in the end.
   */
  breakOff(error: unknown): void;
  /** Runs `fn` when the command is over; for what takes over, when nothing more can be acknowledged. Last added first. */
  atEnd(fn: () => void | Promise<void>): void;
  /**
   * Whether what comes before can wait without losing anything: stdin is a file, somebody (a spool) asked for acknowledgements,
   * or the source of this `voltpipe run` did with {@link written}. Otherwise it may be live, and a sink that stops reading stops it.
   */
  readonly upstreamWaits: boolean;
  /** The line as it came in, or the record's JSON when it was made here. */
  text(record: VoltRecord): string;
  /** Counts the record last read as bad input, or line `line` of what is read in the place of stdin: one warning with its line number, exit status 65 at the end; with `--strict` it throws. */
  reject(why: string, line?: number): void;
  /** A bounded queue between an event source (socket, scan) and the generator. */
  queue(options: QueueOptions): Queue;
  /** The input merged with timers. */
  timers(input: AsyncIterable<VoltRecord>): Timers;
  /** A JSON document in the data directory, shared under a lock. */
  state<T>(name: string): State<T>;
  /**
   * One owner of an account, an adapter, a spool. Resolves to the release function; rejects with exit status 75 when somebody alive
   * holds it. What belongs to a login is locked in the data directory, which a unit and a run by hand share; a device in the
   * runtime directory.
   */
  lock(name: string, where?: 'runtime' | 'data'): Promise<() => Promise<void>>;
  /** The words that start this binary again, for a command that spawns another one of the toolkit. */
  readonly self: readonly string[];
  /**
   * A child with environment, descriptors and signals set right. One of the toolkit settles as this command does: what `--config`,
   * `--no-config`, `--data-dir` and `--env-file` said is in its environment.
   */
  spawn(argv: readonly string[], options?: SpawnOptions): ChildProcess;
  /** The value of an option of type `secret`, registered for redaction; undefined when it is nowhere. */
  secret(name: SecretName<O>): Promise<string | undefined>;
  /** Has the logger redact a text that was learnt at run time (a token just issued). */
  redact(secret: string): void;
  /** Adds a path to the one `--http` listener of the process. */
  listen(path: string, handler: (request: IncomingMessage, response: ServerResponse) => void): void;
  /** A counter or gauge, shown by `--http` under `voltpipe_<name>`. */
  metric(name: string, help?: string): Metric;
  /**
   * The data path is proven alive at this moment: a broker answered, a record came, a far side acknowledged. Feeds readiness and
   * the watchdog. `within` promises the next proof in so many milliseconds (a keep-alive); without it silence is no fault.
   */
  alive(within?: number): void;
  /** Not ready any longer, and why; the next {@link alive} ends it. */
  unready(why: string): void;
  /** Calls `fn` on SIGHUP (unless the terminal is gone) and when the configuration file changed; an error keeps the old configuration and is said. */
  onReload(fn: (opts: Values<O>) => void | Promise<void>): void;
  readonly screen: Screen;
}

/** A counter or gauge. Labels are the series: `pushes.add(1, { result: 'ok' })`. */
export interface Metric {
  add(n: number, labels?: Readonly<Record<string, string>>): void;
  set(value: number, labels?: Readonly<Record<string, string>>): void;
}

/** The terminal, if there is one; it is stderr's, never stdout's. */
export interface Screen {
  /** stderr is a terminal that can move its cursor. */
  readonly interactive: boolean;
  readonly columns: number;
  /** stdout is a terminal, too: records would come between the lines of a live view. */
  readonly shared: boolean;
  /** Colours are wanted (a terminal, no NO_COLOR). */
  readonly color: boolean;
  /** Prints text for the user as it is, with no prefix, above what `draw` shows. */
  print(text: string): void;
  /** Replaces what the last `draw` showed (a live view), cut to the size of the terminal; on no terminal it does nothing. */
  draw(text: string): void;
}
