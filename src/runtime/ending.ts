import { systemClock } from './clock.ts';
import { exit } from './exit.ts';
import { descriptorKind } from './host.ts';
import { showDuration } from './logger.ts';
import { failureOf } from './outcome.ts';
import type { PlannedStage } from './pipeline.ts';
import { sayFailure } from './report.ts';
import { said } from './stderr.ts';

/** What ended the run from outside, if anything did. */
export interface Ending {
  readonly signal: NodeJS.Signals | undefined;
  readonly timedOut: boolean;
  /** Ends the run as a first SIGTERM does, since a stage has failed and others might hold it up for ever. */
  breakOff(stage: PlannedStage, error: unknown): void;
  /** Ends the run as a first SIGTERM does, in the end by SIGHUP. No second signal: a terminal that goes sends several, and nobody is impatient. */
  hangUp(): void;
  close(): void;
}

/** Of the grace time, the share in which input is still read to its end; the rest is for flushing. */
const drainShare = 0.8;

/** Somebody who pressed Ctrl-C and waits for so many milliseconds is told what for. */
const hurryAfter = 1000;

/** First signal or --timeout: sources stop, filters drain, sinks flush, all within --grace. Second signal: at once. */
export function controlEnding(
  plan: readonly PlannedStage[],
  source: { stop(): void } | undefined,
  deadline: AbortController,
  onStop: () => void,
): Ending {
  const { grace, timeout } = plan[0]!.setup.settings.common;
  const cancels: (() => void)[] = [];
  let signal: NodeJS.Signals | undefined;
  let timedOut = false;
  let broken: { stage: PlannedStage; error: unknown } | undefined;

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
        if (broken) sayFailure(broken.stage.setup.log, broken.error);
        plan[0]!.setup.log.warn(
          `not finished ${showDuration(grace)} after it was told to stop: the rest is left undone`,
        );
        if (signal) void dieBy(signal);
        else process.exit(broken ? failureOf(broken.error).status : exit.later);
      }),
    );
  };
  const sayHowToHurry = (): void =>
    plan[0]!.setup.log.info('brings to its end what it has begun; Ctrl-C again ends at once');
  const onSignal = (received: NodeJS.Signals): void => {
    if (signal) return void dieBy(received);
    signal = received;
    stop();
    if (received === 'SIGINT' && descriptorKind(2) === 'terminal') {
      cancels.push(systemClock.after(hurryAfter, sayHowToHurry, { idle: true }));
    }
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  if (timeout !== undefined) {
    const cancel = systemClock.after(
      timeout,
      () => {
        timedOut = true;
        plan[0]!.setup.log.warn(`ended by --timeout after ${showDuration(timeout)}`);
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
    breakOff(stage, error) {
      if (signal || timedOut || broken) return;
      broken = { stage, error };
      stop();
    },
    hangUp() {
      if (!signal) onSignal('SIGHUP');
    },
    close() {
      for (const cancel of cancels) cancel();
    },
  };
}

/** Ends by the signal itself, so that the parent sees how we died. */
export async function dieBy(signal: NodeJS.Signals): Promise<never> {
  await said();
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  return new Promise(() => {});
}
