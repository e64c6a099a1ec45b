import { toRecord } from '../../protocols/bmw/telematics.ts';
import type { VoltRecord } from '../../records/record.ts';
import { formatTime } from '../../records/time.ts';
import type { Context } from '../../runtime/context.ts';
import { fail } from '../../runtime/exit.ts';
import type { HttpClient } from '../../transports/http/client.ts';
import { accountOf } from './access.ts';
import { createContainers } from './containers.ts';
import { startOver } from './portal.ts';
import { createQuota, type Quota } from './quota.ts';
import { endingFor, restClient } from './rest.ts';
import { grantsOf } from './scopes.ts';
import type { TokenStore } from './tokens.ts';

/** What can be read. */
export type What = 'telematic' | 'basic' | 'history';

/** The span of time for `history`, in milliseconds since 1970. */
export interface Span {
  from: number;
  to: number;
}

/** Reads one account over REST. */
export interface Poller {
  readonly quota: Quota;
  /** The vehicles of which the account is the primary user: one request. */
  vehicles(): Promise<string[]>;
  /** What BMW knows about one vehicle. Throws exit status 69, 75 (quota), 76, 77; what was read before that is out. */
  read(vin: string, what: What, span: Span): AsyncGenerator<VoltRecord, void, void>;
}

/** What a poller is made of. */
export interface PollerOptions {
  store: TokenStore;
  http: HttpClient;
  url: string;
  ca: string | undefined;
  gcid: string | undefined;
  /** Requests in 24 hours that we allow ourselves. */
  cap: number;
}

/** An access token that is about to run out is renewed first: a refused request counts against the quota. */
const accessMargin = 30_000;

/** Opens the REST interface with the stored login. Throws exit status 77 when there is none, or not for the API. */
export async function createPoller(
  ctx: Pick<Context, 'state' | 'clock' | 'log' | 'deadline'>,
  { store, http, url, ca, gcid, cap }: PollerOptions,
): Promise<Poller> {
  const first = await store.read();
  if (grantsOf(first).api === false) {
    throw fail('noPermission', 'the login is not for the CarData API: its scope is missing', startOver);
  }
  const account = accountOf(first, gcid);
  const quota = createQuota(ctx, account, cap);
  let last = first;

  const token = async (renew: boolean): Promise<string> => {
    const tokens = await store.read();
    const due = renew ? last : Date.parse(tokens.expires_at) - ctx.clock.now() < accessMargin ? tokens : undefined;
    last = due ? await store.refresh(due) : tokens;
    return last.access_token;
  };
  const rest = restClient({ http, url, ca, quota, token, signal: ctx.deadline });
  const containers = createContainers(rest, ctx, account);

  const readers: Readonly<Record<What, (vin: string, span: Span) => AsyncGenerator<VoltRecord, void, void>>> = {
    async *telematic(vin) {
      const answer = await containers.telematics(vin);
      const record = toRecord(answer, { via: 'rest', receivedAt: ctx.clock.now(), vin });
      if (!record) throw fail('protocol', 'telematicData: the answer holds no values');
      yield record;
    },
    async *basic(vin) {
      yield { type: 'bmw_vehicle', time: formatTime(ctx.clock.now()), vin, data: await rest.basic(vin) };
    },
    async *history(vin, { from, to }) {
      for await (const data of rest.history(vin, from, to)) {
        const start = Number(data['startTime']);
        const time = formatTime(start > 0 ? start * 1000 : ctx.clock.now());
        yield { type: 'bmw_charging_session', time, vin, data };
      }
    },
  };

  return {
    quota,
    vehicles: () =>
      rest.vehicles().catch((error) => {
        throw endingFor(error);
      }),
    async *read(vin, what, span) {
      try {
        yield* readers[what](vin, span);
      } catch (error) {
        throw endingFor(error);
      }
    },
  };
}
