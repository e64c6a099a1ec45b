import { createBell } from '../runtime/bell.ts';

/** Lines from somewhere that waits for a generator that is slower. */
export interface Lines extends AsyncIterable<string> {
  /** With a promise: wait for that before the next one. */
  put(line: string): Promise<void> | undefined;
  end(): void;
  /** The iteration throws `error` after what is in it. */
  fail(error: unknown): void;
}

const most = 256;
/** Nor do more characters wait, but for one line. */
const mostCharacters = 1024 * 1024;

/** Makes an empty queue of lines. */
export function createLines(): Lines {
  let waiting: string[] = [];
  let characters = 0;
  let ended = false;
  let failure: { error: unknown } | undefined;
  const filled = createBell();
  const emptied = createBell();
  return {
    put(line) {
      if (ended) return undefined;
      waiting.push(line);
      characters += line.length;
      filled.ring();
      return waiting.length < most && characters < mostCharacters ? undefined : emptied.heard();
    },
    end() {
      ended = true;
      filled.ring();
      emptied.ring();
    },
    fail(error) {
      failure ??= { error };
      this.end();
    },
    async *[Symbol.asyncIterator]() {
      try {
        for (;;) {
          const batch = waiting;
          waiting = [];
          characters = 0;
          emptied.ring();
          yield* batch;
          if (waiting.length > 0) continue;
          if (failure) throw failure.error;
          if (ended) return;
          await filled.heard();
        }
      } finally {
        ended = true;
        emptied.ring();
      }
    },
  };
}
