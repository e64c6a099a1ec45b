import type { ChildProcess, SpawnOptions } from 'node:child_process';
import type { Clock } from './clock.ts';
import type { Screen } from './context.ts';
import type { Health, StageHealth } from './health.ts';
import type { HttpListener } from './http.ts';
import type { Log } from './log.ts';
import type { Redactor } from './logger.ts';
import type { Metrics } from './metrics.ts';
import type { Settings } from './settings.ts';

/** What the stages of one process share. A test hands in its own. */
export interface Services {
  clock: Clock;
  redactor: Redactor;
  metrics: Metrics;
  health: Health;
  http: HttpListener | undefined;
  screen: Screen;
  runtimeDir: string;
  spawn(argv: readonly string[], options?: SpawnOptions): ChildProcess;
  /** Registers what a changed configuration does. */
  onReload(fn: () => Promise<void>): void;
}

/** What one stage has of its own. */
export interface StageSetup {
  name: string;
  settings: Settings;
  log: Log;
  health: StageHealth;
  /** Aborts on a signal, `--timeout`, or when nobody reads on. */
  stop: AbortController;
  /** Aborts when the grace time is over. */
  deadline: AbortController;
  /** Ends the run with this failure although others hold the stage up; absent where nothing can be ended from here. */
  breakOff?: (error: unknown) => void;
  /** Counts and says input that is no record; throws with `--strict`. */
  reject(why: string, line: number): void;
  /** Settles the options anew. */
  resettle(): Promise<Settings>;
  /** Runs when the stage is over, last added first. */
  atEnd: (() => void | Promise<void>)[];
}
