import type { Clock } from '../../runtime/clock.ts';

/** Somebody who waits for so many milliseconds is told what for. */
const sayAfter = 2000;

/** Makes a call; one that is not answered soon is noted, once. */
export async function notingSilence<T>(
  clock: Clock,
  onNote: (text: string) => void,
  call: () => Promise<T>,
): Promise<T> {
  const cancel = clock.after(sayAfter, () => onNote("BMW's server has not answered yet; waiting"), { idle: true });
  try {
    return await call();
  } finally {
    cancel();
  }
}
