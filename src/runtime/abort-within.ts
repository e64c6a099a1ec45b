/** Calls `fn` once when a signal aborts: at once where it has. */
export function whenAborted(signal: AbortSignal, fn: () => void): void {
  if (signal.aborted) fn();
  else signal.addEventListener('abort', fn, { once: true });
}

/**
 * A controller for something shorter than what the outer signal is for: a search, a pause, a connection. Its signal aborts with the outer
 * one, for the same reason, or when it is aborted itself.
 *
 * Abort it when that is over: then nothing of it is left at the outer signal. `AbortSignal.any()` would leave something behind each
 * time, of which the signal of a run of months collects any number.
 */
export function abortWithin(outer: AbortSignal): AbortController {
  const inner = new AbortController();
  const follow = (): void => inner.abort(outer.reason);
  whenAborted(outer, follow);
  if (outer.aborted) return inner;
  inner.signal.addEventListener('abort', () => outer.removeEventListener('abort', follow), { once: true });
  return inner;
}
