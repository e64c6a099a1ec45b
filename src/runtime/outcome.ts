import { CommandError, exit } from './exit.ts';

/** How a stage ended. */
export interface Outcome {
  status: number;
  error?: unknown;
}

/** The outcome of a stage that threw. */
export function failureOf(error: unknown): Outcome {
  return { status: error instanceof CommandError ? error.status : exit.software, error };
}

/** An outcome that settles once, with the first that is known, after what is to be done at the end. */
export function createOutcome(finish: () => Promise<void>): {
  promise: Promise<Outcome>;
  settle(outcome: Outcome): Promise<void>;
} {
  let resolve: (outcome: Outcome) => void;
  let settled = false;
  const promise = new Promise<Outcome>((r) => {
    resolve = r;
  });
  return {
    promise,
    async settle(outcome) {
      if (settled) return;
      settled = true;
      try {
        await finish();
      } catch (error) {
        return resolve(outcome.error ? outcome : failureOf(error));
      }
      resolve(outcome);
    },
  };
}
