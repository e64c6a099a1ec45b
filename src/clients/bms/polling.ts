import type { VoltRecord } from '../../records/record.ts';
import { CommandError, exit, sentence } from '../../runtime/exit.ts';
import { type Device, openDevice, type Target } from './device.ts';
import { type BmsHost, hostOf } from './host.ts';
import { createOptionalPages } from './optional-pages.ts';
import { createSaid } from './said.ts';

/** What polling tells beyond its records. */
export interface PollingHost extends BmsHost {
  alive(within?: number): void;
  unready(why: string): void;
}

/** A link to a device that others want too is kept over a pause of so many ms. */
const keepLinkFor = 15_000;

/** Faults that another round may not meet again. */
const passing = new Set<number>([
  exit.unavailable,
  exit.protocol,
  exit.io,
  // An adapter that was just put in again belongs to root until udev has seen it.
  exit.noPermission,
  exit.later,
]);

/**
 * Reads one device again and again, at a fixed pace, over a link that stays open (one that others want too only over
 * short pauses). A round that fails is missed, said once, and the link is opened anew for the next one; what a later round can't
 * mend (wrong usage) ends it, and so does any failure of the first round. What the device tells by itself meanwhile is put out as
 * it comes.
 *
 * @param work what a round asks of the device
 */
export async function* poll(
  target: Target,
  interval: number,
  host: PollingHost,
  work: (device: Device) => Promise<readonly VoltRecord[]>,
): AsyncGenerator<VoltRecord, void, void> {
  const { clock, log, signal } = host;
  const { name } = target.wire;
  const start = clock.monotonic();
  const pushed: VoltRecord[] = [];
  let wake = (): void => {};
  const onPushed = (record: VoltRecord): void => {
    pushed.push(record);
    wake();
  };
  const said = createSaid(log);
  let device: Device | undefined;
  let known: Partial<Target> = {};
  const optionalPages = createOptionalPages();
  let everRead = false;
  try {
    while (!signal.aborted) {
      try {
        device ??= await openDevice({ ...target, ...known, optionalPages, onPushed }, hostOf(host, { said }));
        const records = await work(device);
        // What it is and how to ask it, is known now: after an outage nothing is tried out again.
        known = { candidates: [device.codec], options: device.options, isKnown: true };
        everRead = true;
        host.alive(interval * 3);
        log.recovered(name, `${name}: readings are back`);
        yield* records;
      } catch (error) {
        if (signal.aborted) break;
        if (!everRead || !(error instanceof CommandError) || !passing.has(error.status)) throw error;
        log.lost(name, sentence(error));
        host.unready(error.message);
        await device?.close();
        device = undefined;
        // What comes back may know more than what went.
        optionalPages.anew();
      }
      const rest = interval - ((clock.monotonic() - start) % interval);
      if (target.wire.shared && rest > keepLinkFor) {
        await device?.close();
        device = undefined;
      }
      const due = clock.monotonic() + rest;
      do {
        yield* pushed.splice(0);
        await pause(due);
      } while (pushed.length > 0);
    }
  } finally {
    await device?.close();
  }
  yield* pushed;

  /** Waits until `due`, the end of the run, or something that the device tells. */
  function pause(due: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const cancel = clock.after(due - clock.monotonic(), done);
      // No AbortSignal.any(): each would leave something behind at the signal of the run.
      signal.addEventListener('abort', done, { once: true });
      wake = done;
      if (signal.aborted || pushed.length > 0) done();
    });
  }
}
