import type { Clock } from './clock.ts';
import type { Log } from './log.ts';
import type { StageWiring } from './stage.ts';

/** State of filters is saved this often at most … */
const saveEvery = 1000;
/** … and, if it is large, seldom enough to write no more than so many bytes a millisecond: it may lie on an SD card. */
const bytesPerMs = 32;
/** But this often, however large it is. */
const longestPause = 10_000;

/** What the saving of a filter's state is made of. */
export interface KeptState<T> {
  wiring: StageWiring;
  clock: Clock;
  log: Log;
  atEnd: (() => Promise<void>)[];
  snapshot: () => T;
  /** Resolves with the number of bytes. */
  save: (value: T) => Promise<number>;
  /** As for `State.keep`. */
  stretch: number | undefined;
}

/** Saves a filter's state while records flow, and once at the end. */
export function keepState<T>({ wiring, clock, log, atEnd, snapshot, save, stretch }: KeptState<T>): void {
  const { tracker } = wiring;
  const gate = stretch === undefined ? undefined : wiring.gate;
  let covered = 0;
  let saving = Promise.resolve();
  let savedAt = Number.NEGATIVE_INFINITY;
  let pause = 0;
  let cancel = (): void => {};
  tracker?.hold();
  if (stretch !== undefined) gate?.limit(stretch);

  const saveNow = async (): Promise<void> => {
    const done = wiring.done();
    savedAt = clock.monotonic();
    const bytes = await save(snapshot());
    pause = Math.min(bytes / bytesPerMs, longestPause);
    covered = done;
    tracker?.saved(done);
  };
  const saveOnce = (): void => {
    saving = saveNow().then(
      () => log.recovered('state', 'state is saved again'),
      (error: Error) => log.lost('state', `state: ${error.message}`),
    );
    void saving.then(wait);
  };
  const tick = (): void => {
    const isDue = gate?.isFull === true || clock.monotonic() - savedAt >= pause;
    if (wiring.done() <= covered || !isDue) wait();
    else if (gate) gate.stop(saveOnce);
    else saveOnce();
  };
  const wait = (): void => {
    cancel = clock.after(saveEvery, tick, { idle: gate === undefined });
  };

  wait();
  atEnd.push(async () => {
    cancel();
    await saving;
    cancel();
    // What is not delivered comes again, and must not be in the state then.
    if (wiring.done() > 0 && gate?.isAtRest() !== false) await saveNow();
  });
}
