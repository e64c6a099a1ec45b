import type { Clock } from '../../runtime/clock.ts';
import type { Context } from '../../runtime/context.ts';
import type { Log } from '../../runtime/log.ts';
import type { Said } from './said.ts';

/** What an exchange needs of the world: a command's context has it. */
export interface BmsHost {
  clock: Clock;
  log: Log;
  signal: AbortSignal;
  /** What has been said of the device; absent: nothing yet. */
  said?: Said;
  /** Where rejected frames are counted; absent: nowhere. */
  metric?: Context['metric'];
}

/** What an exchange takes of a context, but for what is its `own`. Spreading one whole would make its data directory. */
export const hostOf = (
  { clock, log, signal, metric }: BmsHost,
  own: Partial<Pick<BmsHost, 'signal' | 'said'>>,
): BmsHost => ({
  clock,
  log,
  signal,
  ...(metric && { metric }),
  ...own,
});
