import type { VoltRecord } from '../records/record.ts';
import type { Context } from '../runtime/context.ts';
import { fail } from '../runtime/exit.ts';
import type { OptionSpec } from '../runtime/options.ts';
import type { Queue } from '../runtime/queue.ts';
import { inWords } from '../runtime/system-error.ts';

/** Where a simulated service listens. */
export const listenOption = {
  type: 'string',
  value: '[HOST:]PORT',
  default: '127.0.0.1:0',
  summary: 'where to listen; port 0 takes a free one',
} as const satisfies OptionSpec;

/** What becomes of a listener that could not be had: throws exit status 69. `next` ends the sentence, as in `Choose another --listen.` */
export const cannotListen =
  (where: string, next = 'Choose another --listen.') =>
  (error: unknown): never => {
    throw fail('unavailable', `${where}: cannot listen: ${inWords(error)}`, next);
  };

/** A fault that `--fault` names. Throws exit status 64, with what `parse` says of a text that is none. */
export function readFault<T>(text: string, parse: (text: string) => T): T {
  try {
    return parse(text);
  } catch (error) {
    throw fail('usage', `--fault ${text}: ${(error as Error).message}`);
  }
}

/** What a simulator prints: its endpoint, then what happens to it, until it is told to stop. */
export async function* reported(
  { alive, signal }: Pick<Context, 'alive' | 'signal'>,
  endpoint: VoltRecord,
  events: Queue,
): AsyncGenerator<VoltRecord, void, void> {
  yield endpoint;
  alive();
  yield* untilStopped(signal, events);
}

/** What is in a queue and comes into it until `signal` aborts. */
export async function* untilStopped(signal: AbortSignal, events: Queue): AsyncGenerator<VoltRecord, void, void> {
  signal.addEventListener('abort', () => events.end(), { once: true });
  if (signal.aborted) events.end();
  yield* events;
}
