import { type CodecOptions, type Frame, type Happening, isRejection, type Pushed } from '../../protocols/bms/codec.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Log } from '../../runtime/log.ts';

/** Takes what happened, and when it began (wall time, ms). */
export type OnPushed = (happening: Happening, at: number) => void;

/** What a device tells by itself, gathered until it is whole. */
export interface Unasked {
  /** Takes a frame that answers nothing; false: it does not belong here. */
  take(frame: Frame): boolean;
  /** The device is in the middle of it. */
  readonly isUnderWay: boolean;
  /** Resolves when nothing is under way any longer, or the run is stopped: within half a minute and `torn`. */
  over(): Promise<void>;
  /** The link has ended. */
  end(): void;
}

/** More frames than this are no event. */
const mostFrames = 10_000;
/** One that takes longer than this, in ms, is none either: it holds up every question. */
const longest = 30_000;

/**
 * Gathers the frames of what a codec says is pushed. What is broken off (silence of `torn` ms, the end of the link) or has no end is
 * given up with a warning; so is what makes no sense.
 */
export function createUnasked(
  name: string,
  pushed: Pushed | undefined,
  options: CodecOptions,
  torn: number,
  { clock, log, signal }: { clock: Clock; log: Log; signal: AbortSignal },
  onPushed: OnPushed,
): Unasked {
  const waiting = new Set<() => void>();
  let frames: Frame[] = [];
  let since = 0;
  let begun = 0;
  let stopTorn = (): void => {};

  /** What has come is settled: the next frame begins something new. */
  function settle(): readonly Frame[] {
    const gathered = frames;
    frames = [];
    stopTorn();
    for (const done of waiting) done();
    return gathered;
  }

  function giveUp(): void {
    const { length } = settle();
    if (length > 0) log.warn(`${name}: ${pushed?.what}: broken off after ${length} frames`);
  }

  function finish(what: Pushed): void {
    const happening = what.decode(settle(), options);
    if (!isRejection(happening)) onPushed(happening, since - happening.age * 1000);
    else log.warn(`${name}: ${what.what}: it makes no sense: ${happening.detail ?? happening.rejected}`);
  }

  return {
    take(frame) {
      if (!pushed?.accepts(frame)) return false;
      if (frames.length === 0) {
        since = clock.now();
        begun = clock.monotonic();
      }
      frames.push(frame);
      stopTorn();
      if (pushed.complete?.(frames) ?? true) finish(pushed);
      else if (frames.length >= mostFrames || clock.monotonic() - begun >= longest) giveUp();
      else stopTorn = clock.after(torn, giveUp, { idle: true });
      return true;
    },
    get isUnderWay() {
      return frames.length > 0;
    },
    over() {
      if (frames.length === 0 || signal.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const done = (): void => {
          waiting.delete(done);
          signal.removeEventListener('abort', done);
          resolve();
        };
        waiting.add(done);
        signal.addEventListener('abort', done, { once: true });
      });
    },
    end: giveUp,
  };
}
