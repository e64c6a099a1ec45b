import type { Peripheral } from './child-noble.ts';
import type { Trouble } from './messages.ts';

/** A request that failed, with what the parent has to know of it. */
export class TroubleError extends Error {
  readonly trouble: Trouble;

  constructor(kind: Trouble['kind'], reason: string, tainted = false) {
    super(reason);
    this.trouble = { kind, reason, tainted };
  }
}

/** Reasons of a disconnection that say something to a user (Bluetooth Core Specification, volume 1 part F). */
const reasons: Readonly<Record<number, string>> = {
  8: 'out of reach',
  19: 'the device hung up',
  20: 'the device hung up, low on resources',
  21: 'the device switches itself off',
  22: 'closed here',
  62: 'the connection was not established',
};

/** Words for the reason that noble gives with `disconnect`: a number, or a text. */
export function goneBecause(reason: unknown): string {
  if (typeof reason !== 'number') return typeof reason === 'string' ? reason : 'disconnected';
  return reasons[reason] ?? `disconnected (reason 0x${reason.toString(16).padStart(2, '0')})`;
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * Waits for a promise of noble's, but no longer than `ms` and not beyond the end of the connection: noble's promises often never
 * settle. A time-out taints the child; so does nothing else.
 *
 * @param what what was waited for, for the message: `subscribe to fff4`
 */
export function race<T>(promise: Promise<T>, ms: number, what: string, peripheral?: Peripheral): Promise<T> {
  return new Promise((resolve, reject) => {
    const onGone = (reason: unknown): void => done(() => reject(new TroubleError('closed', goneBecause(reason))));
    const timer = setTimeout(
      () => done(() => reject(new TroubleError('silent', `no answer in ${ms / 1000} s (${what})`, true))),
      ms,
    );
    const done = (settle: () => void): void => {
      clearTimeout(timer);
      peripheral?.removeListener('disconnect', onGone);
      settle();
    };
    peripheral?.once('disconnect', onGone);
    promise.then(
      (value) => done(() => resolve(value)),
      (error) => done(() => reject(new TroubleError('failed', `${what}: ${textOf(error)}`))),
    );
  });
}
