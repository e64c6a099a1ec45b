import { formatTime } from '../../records/time.ts';
import type { Context } from '../../runtime/context.ts';
import { fail } from '../../runtime/exit.ts';

/** Account → its requests of the last 24 hours: `<data dir>/bmw-quota.json`, shared by every command and every run. */
type Ledger = Record<string, { requests: string[]; blocked_until?: string }>;

/** The document's name. */
const quotaState = 'bmw-quota';

/** BMW's limit, for one account and all its clients together; a request that fails counts too. */
export const bmwLimit = 50;
const day = 24 * 60 * 60 * 1000;

/** Counts requests and refuses those that would be too many. */
export interface Quota {
  /** Enters one request, before it is made. Throws exit status 75 when none is left. */
  spend(): Promise<void>;
  /** BMW said that nothing is left: no more until our oldest request is a day old, or for `retryAfter` ms. */
  exhausted(retryAfter: number | undefined): Promise<void>;
  /** How many are left now. */
  left(): Promise<number>;
}

/**
 * The ledger of one account over a rolling 24 hours. Whether BMW counts that way or from midnight is not settled among its
 * users; rolling is right in both cases.
 *
 * @param cap requests we allow ourselves, at most BMW's {@link bmwLimit}
 */
export function createQuota(ctx: Pick<Context, 'state' | 'clock'>, account: string, cap: number): Quota {
  const state = ctx.state<Ledger>(quotaState);

  const current = (ledger: Ledger | undefined): { requests: string[]; blocked: number } => {
    const { requests = [], blocked_until } = ledger?.[account] ?? {};
    const since = ctx.clock.now() - day;
    const blocked = blocked_until === undefined ? 0 : Date.parse(blocked_until);
    return {
      requests: requests.filter((at) => Date.parse(at) > since),
      blocked: blocked > ctx.clock.now() ? blocked : 0,
    };
  };

  const store = (ledger: Ledger | undefined, requests: string[], blocked: number): Ledger => ({
    ...ledger,
    [account]: { requests, ...(blocked > 0 && { blocked_until: formatTime(blocked) }) },
  });

  return {
    async spend() {
      await state.update((ledger) => {
        const { requests, blocked } = current(ledger);
        if (blocked > 0) {
          throw fail(
            'later',
            'quota: BMW said that no request is left today',
            `Try again after ${formatTime(blocked)}.`,
          );
        }
        if (requests.length >= cap) {
          const next = formatTime(Date.parse(requests[requests.length - cap] as string) + day);
          throw fail(
            'later',
            `quota: ${requests.length} requests in 24 hours, ${cap} allowed`,
            `Try again after ${next}.`,
          );
        }
        return store(ledger, [...requests, formatTime(ctx.clock.now())], 0);
      });
    },
    async exhausted(retryAfter) {
      await state.update((ledger) => {
        const { requests } = current(ledger);
        const now = ctx.clock.now();
        const oldest = requests[0] === undefined ? now : Date.parse(requests[0]);
        return store(ledger, requests, retryAfter === undefined ? oldest + day : now + retryAfter);
      });
    },
    async left() {
      const { requests, blocked } = current(await state.read());
      return blocked > 0 ? 0 : Math.max(0, cap - requests.length);
    },
  };
}
