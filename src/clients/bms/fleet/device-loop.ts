import type { Device, DeviceStatus } from '../../../registry/device.ts';
import { abortWithin } from '../../../runtime/abort-within.ts';
import type { Clock } from '../../../runtime/clock.ts';
import { CommandError, sentence } from '../../../runtime/exit.ts';
import type { Log } from '../../../runtime/log.ts';

/** What the loop of one device needs of its fleet. */
export interface LoopHost {
  clock: Clock;
  log: Log;
  /** Reads the device once, when its turn has come, and puts out the reading. */
  read(signal: AbortSignal): Promise<void>;
  /** Another status, and why. */
  tell(status: DeviceStatus, reason?: string): Promise<void>;
  /** A round is over for this device: read, or given up. */
  rested(): void;
  /** So many polls did not happen: the reading before them took too long (`isSlow`), or it needed several tries; 0: it was in time. */
  missed(polls: number, isSlow: boolean): void;
}

/** How often and how long one device is waited for. */
export type Pace = Pick<Device, 'polling_interval' | 'connection_config' | 'friendly_name'>;

/** The loop of one device, and how to hurry it. */
export interface DeviceLoop {
  /** Resolves when the loop has ended: `true` when its last round was read. */
  readonly done: Promise<boolean>;
  /** The device was seen again: a pause after a failed series ends. */
  seen(): void;
}

const second = 1000;

const reasonOf = (error: unknown): string => (error instanceof CommandError ? error.message : String(error));

/**
 * Polls one device at its own pace until `signal` aborts.
 *
 * A round that fails is tried again, `retry_attempts` times in all, `retry_interval` apart (each wait `backoff` times the last). Then the
 * device is in error and left alone for `reconnection_delay`, or until it is seen again; then another series begins. The pace is
 * fixed: a poll that takes long doesn't shift those after it, and those that it covers are missed, not made up for.
 *
 * @param options `once` ends after the first round; `backoff` is looked at before each wait
 * @param before what is waited for first: another loop that still has the device
 */
export function startLoop(
  { polling_interval, connection_config, friendly_name }: Pace,
  host: LoopHost,
  signal: AbortSignal,
  options: { readonly once: boolean; readonly backoff: number },
  before?: Promise<unknown>,
): DeviceLoop {
  const { clock, log } = host;
  const interval = polling_interval * second;
  let wake: (() => void) | undefined;
  /** How long the last reading took. */
  let took = 0;

  /** Reads, with retries. Resolves to whether it was read; rejects when the loop shall end. */
  async function series(): Promise<boolean> {
    const { retry_attempts, retry_interval } = connection_config;
    for (let attempt = 1; ; attempt++) {
      const begin = clock.monotonic();
      try {
        await host.read(signal);
        took = clock.monotonic() - begin;
        await host.tell('connected');
        log.recovered(friendly_name, `${friendly_name}: is read again`);
        return true;
      } catch (error) {
        signal.throwIfAborted();
        const reason = reasonOf(error);
        log.info(`${friendly_name}: try ${attempt} of ${retry_attempts}: ${reason}`);
        if (attempt >= retry_attempts) return await giveUp(reason, error);
        await host.tell('disconnected', reason);
        await clock.sleep(retry_interval * second * options.backoff ** (attempt - 1), signal);
      }
    }
  }

  async function giveUp(reason: string, error: unknown): Promise<false> {
    const next = error instanceof CommandError ? error.next : undefined;
    log.lost(friendly_name, sentence({ message: `${friendly_name}: suspended: ${reason}`, next }));
    await host.tell('error', reason);
    return false;
  }

  /** Waits out the pause after a failed series, or until the device is seen. */
  async function pause(): Promise<void> {
    const early = abortWithin(signal);
    wake = () => early.abort();
    await clock.sleep(connection_config.reconnection_delay * second, early.signal).catch(() => {});
    wake = undefined;
    early.abort();
    signal.throwIfAborted();
  }

  async function loop(): Promise<boolean> {
    signal.throwIfAborted();
    let due = clock.monotonic();
    for (;;) {
      const isRead = await series();
      host.rested();
      if (options.once) return isRead;
      if (!isRead) {
        await pause();
        due = clock.monotonic();
        continue;
      }
      due += interval;
      const polls = Math.max(0, Math.ceil((clock.monotonic() - due) / interval));
      host.missed(polls, took > interval);
      due += polls * interval;
      await clock.sleep(Math.max(0, due - clock.monotonic()), signal);
    }
  }

  return {
    done: Promise.resolve(before)
      .then(loop)
      .catch((error: unknown) => {
        if (!signal.aborted) throw error;
        return false;
      }),
    seen: () => wake?.(),
  };
}
