import type { VoltRecord } from '../records/record.ts';
import type { Context } from './context.ts';
import type { Options } from './options.ts';

/**
 * What a command is in a pipeline. A `source` makes records, a `filter` maps them, a `sink` brings them somewhere, a `tool` does
 * something once and prints its result.
 */
export type Kind = 'source' | 'filter' | 'sink' | 'tool';

/** A positional argument. */
export interface Argument {
  name: string;
  summary: string;
  required?: boolean;
  /** Takes all that is left; only the last argument may. */
  variadic?: boolean;
  choices?: readonly string[];
}

/**
 * One example of a manual page, and a test at the same time: `tests/examples.test.ts` runs it in a shell with
 * the built commands in PATH.
 */
export interface Example {
  /** What it is good for, a phrase without full stop. */
  text: string;
  /** The line as the reader types it. */
  command: string;
  /** Brings about, in the test alone, what the reader has by then: a spool with records in it, a monitor in the registry. */
  prepare?: string;
  /** What feeds its stdin in the manual and in the test; absent: nothing is shown, stdin is empty. */
  stdin?: string;
  /** What stdout must be; absent: only the exit status is checked. */
  stdout?: string;
  /** The exit status that the test expects (default 0). */
  status?: number;
  /**
   * What the test needs around it: `bmw`, `abrp`, `influx` and `jbd` start that simulator first and point the configuration at it,
   * `login` also logs in; `bluetooth` puts a BM6 into a virtual air. `none` with a reason in `notRun` is for what no test can do (a real account, a real port 443).
   */
  needs?: readonly ('bmw' | 'abrp' | 'influx' | 'jbd' | 'login' | 'bluetooth')[];
  /** Seconds after which the test presses Ctrl-C, for what runs on. */
  interruptAfter?: number;
  /** Why the test does not run it; rare, and shown by the test as skipped. */
  notRun?: string;
}

/** A section of a manual page beyond the generated ones. Paragraphs are separated by blank lines; `- ` or `1. ` opens a list item; two spaces at a line's start make it literal. */
export interface ManualSection {
  title: string;
  text: string;
}

/** A file that a command reads or writes, for the FILES section. */
export interface FileNote {
  path: string;
  text: string;
}

/**
 * Maps one record to none, one or several. Called synchronously over whole batches. A text is a record's line already written, for a
 * filter that can write it faster than by way of an object. A record is never changed in place: the same object coming back means
 * that its line is written as it came in.
 */
export interface Each {
  (record: VoltRecord): VoltRecord | string | readonly VoltRecord[] | undefined;
  /** What is left to say when the input has ended. */
  end?(): readonly VoltRecord[];
  /** Records of types that the command does not read end here, instead of passing by. */
  alone?: boolean;
}

/**
 * A command as data. `--help`, man page, completions, config schema, README and tests are walks over it.
 *
 * Exactly one of `run`, `each` and `expand` is there. `run` is an async generator: what it yields goes to stdout or to the next stage, what
 * it returns is the exit status (nothing: 0). `each` makes the function that maps one record, for filters that never wait.
 */
export interface Definition<O extends Options = Options> {
  /** `normalize`, or `simulate bmw` for one of a group behind a common first word. */
  name: string;
  kind: Kind;
  /** Whether stdin is read: a filter or sink that requires it refuses a terminal. */
  input: 'none' | 'optional' | 'required';
  /** The option that names what is read in the place of stdin, or a flag with which nothing is; stdin may then be a terminal. */
  inputOption?: keyof O & string;
  /** Record types it takes in; records of other types pass a filter untouched and are counted as delivered by a sink. Absent: all. */
  reads?: readonly string[];
  /** Also takes JSON objects without a `type` (as a vendor's own lines); they reach `run` or `each` with `type` absent. */
  untyped?: boolean;
  /** Record types it puts out, for the manual. */
  writes?: readonly string[];
  /** What stdout carries: records, JSON of any kind, or text. */
  format: 'record' | 'json' | 'text';
  /** Runs until told to stop: gets `--http`, and readiness matters. */
  longRunning?: boolean;
  /** Takes `-n/--count` and `--once` (sources that go on, sinks never). */
  countable?: boolean;
  /**
   * A store between two stages: its input is safe when it says so with `ctx.delivered`, whatever becomes of its output; it reads on
   * when nobody takes its output; and it is told of its output with `ctx.onDelivered`.
   */
  takesOver?: boolean;
  /** With these options `--once` is no single record but a round: the command ends by itself, as `ctx.once` tells it to. */
  rounds?(opts: Readonly<Record<string, unknown>>): boolean;
  /** What it waits for is slower than it is: it does with less memory, for a tenth of its speed. Counts for the last of a pipeline. */
  frugal?: boolean;
  /** Takes `--receipts`: one `receipt` a delivery on stdout. Without the flag the runtime swallows what it yields. */
  receipts?: boolean;
  /** One line, no full stop, lower-case start: `renames and converts vendor data`. */
  summary: string;
  /** The manual's DESCRIPTION, in the form of {@link ManualSection}. */
  description: string;
  arguments?: readonly Argument[];
  options: O;
  sections?: readonly ManualSection[];
  examples: readonly Example[];
  files?: readonly FileNote[];
  /** Other pages: `abrp-push(1)`. */
  seeAlso?: readonly string[];
  /**
   * Checks what no single option can: throws a usage or configuration error before anything runs. `given`: the options that stand on
   * the command line, where it matters that somebody said them for this run.
   */
  check?(opts: Record<string, unknown>, args: readonly string[], given: ReadonlySet<string>): void;
  /** Instead of `run` and `each`: what stands for this command, a pipeline of command lines. Its own flags hold for every stage. */
  expand?(args: readonly string[]): readonly (readonly string[])[];
  run?(ctx: Context<O>): AsyncGenerator<VoltRecord | string, number | void, void>;
  each?(ctx: Context<O>): Each | Promise<Each>;
}

/** Declares a command, with the types of its options inferred. */
export function defineCommand<const O extends Options>(definition: Definition<O>): Definition<O> {
  return definition;
}

/** A command in the toolkit's list: its code is loaded when it is used. */
export interface CommandEntry {
  name: string;
  load(): Promise<{ command: AnyDefinition }>;
}

/** A first word with commands behind it: `simulate bmw`, `voltpipe run`. */
export interface CommandGroup {
  name: string;
  summary: string;
  description: string;
  examples: readonly Example[];
  seeAlso?: readonly string[];
}

/** A definition whose option types are not known here. */
// biome-ignore lint/suspicious/noExplicitAny: `run` takes the context of its own options, which no common type can name.
export type AnyDefinition = Definition<any>;
