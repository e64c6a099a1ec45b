import type { Context } from '../../runtime/context.ts';
import { type CommandError, fail } from '../../runtime/exit.ts';
import { HeldLock } from '../../runtime/lock.ts';

const tryLockEvery = 250;

/** Waits for the adapter's lock: a scan by hand and a unit take turns. */
export async function takeAdapter(
  ctx: Pick<Context, 'lock' | 'signal' | 'clock' | 'log'>,
  name: string,
  lock: string,
  wait: number,
): Promise<() => Promise<void>> {
  const giveUp = ctx.clock.monotonic() + wait;
  for (let said = false; ; said = true) {
    try {
      return await ctx.lock(lock);
    } catch (error) {
      if (!(error instanceof HeldLock)) throw error;
      if (ctx.clock.monotonic() >= giveUp) {
        const holder = `process ${error.pid}`;
        throw fail('later', `Bluetooth adapter ${name}: in use by ${holder}`, 'Try again, or raise --adapter-wait.');
      }
      if (!said) ctx.log.info(`Bluetooth adapter ${name}: in use, waiting`);
      await ctx.clock.sleep(tryLockEvery, ctx.signal);
    }
  }
}

/** Why an adapter that was never powered on isn't, by the last that was heard of it. */
export function notPowered(name: string, state: string | undefined, ms: number): CommandError {
  const late = `in ${ms / 1000} s`;
  // Of a controller behind a serial port noble says so from the start.
  switch (name.startsWith('/') && state === 'poweredOff' ? undefined : state) {
    case 'poweredOff':
      return fail(
        'later',
        `Bluetooth adapter ${name}: is down`,
        `Run: hciconfig ${name} up (or bluetoothctl power on)`,
      );
    case 'unauthorized':
      return fail('noPermission', `Bluetooth adapter ${name}: not permitted`, 'It wants CAP_NET_RAW.');
    case 'unsupported':
      return fail('unavailable', `Bluetooth adapter ${name}: cannot do Bluetooth Low Energy`, 'Use another adapter.');
    default:
      return fail(
        'unavailable',
        `Bluetooth adapter ${name}: does not answer ${late}`,
        'Is it the right one? Unplug it and plug it in again.',
      );
  }
}

/**
 * Rejects when the signal aborts, or when `later` has run what it gets then; `cancel` takes the listener away, of which a signal of hours
 * must not collect any.
 */
export function onStop(
  signal: AbortSignal,
  later?: (fn: () => void) => () => void,
): { stopped: Promise<never>; cancel(): void } {
  let cancel = (): void => {};
  const stopped = new Promise<never>((_, reject) => {
    let cancelLater = (): void => {};
    const onAbort = (): void => {
      if (later) cancelLater = later(() => reject(signal.reason));
      else reject(signal.reason);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    cancel = () => {
      signal.removeEventListener('abort', onAbort);
      cancelLater();
    };
  });
  stopped.catch(() => {});
  return { stopped, cancel };
}
