import { fillGaps } from '../clients/bmw/gaps.ts';
import { loginOptions, openLogin } from '../clients/bmw/login.ts';
import { checkVins } from '../clients/bmw/messages.ts';
import { createPoller, type Poller, type Span, type What } from '../clients/bmw/poller.ts';
import { bmwAddresses } from '../clients/bmw/portal.ts';
import { bmwLimit } from '../clients/bmw/quota.ts';
import { concernsOneVehicle } from '../clients/bmw/rest.ts';
import type { VoltRecord } from '../records/record.ts';
import { parseTime } from '../records/time.ts';
import { defineCommand } from '../runtime/command.ts';
import type { Context } from '../runtime/context.ts';
import { CommandError, exit, fail, sentence } from '../runtime/exit.ts';

const day = 24 * 60 * 60 * 1000;

const options = {
  vin: {
    type: 'string',
    repeatable: true,
    value: 'VIN',
    key: 'bmw.vin',
    summary: 'vehicle to read; several are allowed; default: all of the account',
  },
  what: {
    type: 'choice',
    choices: ['telematic', 'basic', 'history'],
    default: 'telematic',
    summary: 'telematic: live values; basic: what vehicle it is; history: charging sessions',
  },
  interval: {
    type: 'duration',
    short: 'i',
    min: 60_000,
    summary: 'read again and again, so far apart; without it: once',
  },
  whenStale: {
    type: 'duration',
    min: 60_000,
    key: 'bmw.whenStale',
    summary: 'pass the records of stdin on, and read a vehicle only when no state of charge came from it for so long',
  },
  from: { type: 'string', value: 'DATE', summary: 'history: first day or time (default: 30 days ago)' },
  to: { type: 'string', value: 'DATE', summary: 'history: last day or time (default: now)' },
  maxRequests: {
    type: 'integer',
    min: 1,
    max: bmwLimit,
    default: 40,
    key: 'bmw.maxRequests',
    summary: 'requests in 24 hours, for all commands together; BMW allows 50 an account',
  },
  apiUrl: {
    type: 'url',
    key: 'bmw.apiUrl',
    default: bmwAddresses.api,
    rare: true,
    summary: "BMW's REST interface, or a simulator",
  },
  ...loginOptions,
} as const;

type PollContext = Context<typeof options>;

/** BMW's REST interface, for what the stream does not bring. */
export const command = defineCommand({
  name: 'bmw-poll',
  kind: 'source',
  input: 'optional',
  reads: ['bmw_telematics'],
  writes: ['bmw_telematics', 'bmw_vehicle', 'bmw_charging_session'],
  format: 'record',
  longRunning: true,
  countable: true,
  summary: "reads a vehicle's data from BMW's REST interface, within its daily quota",
  description: `Reads what BMW's servers know about a vehicle: once, at an interval, or behind bmw-stream only when the stream has gone silent.

BMW allows 50 requests in 24 hours for an account, refused ones included. bmw-poll keeps a ledger on disk, which all runs share,
and refuses with exit status 75 when --max-requests are used up, before BMW would. With --interval or --when-stale it skips the
round instead and goes on later.

The values come through a container, a list of descriptors that bmw-poll makes in your account on its first run and knows again
later (one request more). Values that BMW's servers extrapolate come along as BMW sends them; normalize keeps them apart.`,
  options,
  sections: [
    {
      title: 'BEHIND THE STREAM',
      text: `Many vehicles fall silent a few minutes after charging began. bmw-stream | bmw-poll --when-stale 15m passes every record on at
once, and asks BMW when no state of charge came for 15 minutes: for the vehicles of bmw.vin and those that the stream names, and,
as long as there are none, for all of the account. When the answer brings nothing new, the next question waits twice
as long, up to six hours, so that a parked vehicle doesn't use up the day's quota.`,
    },
  ],
  examples: [
    { text: 'Read the values once', command: 'bmw-poll', needs: ['bmw', 'login'] },
    { text: 'See what vehicle it is', command: 'bmw-poll --what basic', needs: ['bmw', 'login'] },
    {
      text: 'Fill the gaps of the stream',
      command: 'bmw-stream | bmw-poll --when-stale 15m | normalize',
      needs: ['bmw', 'login'],
      interruptAfter: 3,
    },
  ],
  files: [
    { path: '<data dir>/bmw-tokens.json', text: 'the login' },
    { path: '<data dir>/bmw-quota.json', text: 'the requests of the last 24 hours' },
    { path: '<data dir>/bmw-containers.json', text: 'the container in use' },
  ],
  seeAlso: ['bmw-login(1)', 'bmw-stream(1)', 'normalize(1)'],

  check(opts) {
    checkVins(opts['vin'] as readonly string[]);
    if (opts['interval'] !== undefined && opts['whenStale'] !== undefined) {
      throw fail('usage', '--interval and --when-stale exclude each other');
    }
    if (opts['whenStale'] !== undefined && opts['what'] !== 'telematic') {
      throw fail('usage', '--when-stale reads telematic values only');
    }
    for (const name of ['from', 'to'] as const) {
      const given = opts[name];
      if (given !== undefined && Number.isNaN(dateOf(String(given)))) {
        throw fail('usage', `--${name} '${given}': no date`, 'Write 2026-03-01 or 2026-03-01T12:00:00Z.');
      }
    }
  },

  async *run(ctx) {
    const { store, http, ca } = await openLogin(ctx);
    try {
      const { apiUrl, gcid, maxRequests, whenStale, interval } = ctx.opts;
      const poller = await createPoller(ctx, { store, http, url: apiUrl, ca, gcid, cap: maxRequests });
      if (whenStale !== undefined) {
        // As a filter it is ready to pass records on, whatever becomes of its questions.
        ctx.alive();
        yield* fillGaps(ctx, {
          staleAfter: whenStale,
          vins: configured(ctx),
          vehicles: () => vehiclesOf(ctx, poller),
          read: (vin) => poller.read(vin, 'telematic', spanOf(ctx)),
          onMissed: (error) => missed(ctx, error),
          onRead: () => ctx.log.recovered('poll', readingsAreBack),
        });
      } else if (interval !== undefined) yield* atInterval(ctx, poller, interval);
      else yield* readAll(ctx, poller, await vehiclesOf(ctx, poller));
    } finally {
      await http.close();
    }
    return exit.ok;
  },
});

/** A day is its beginning, in UTC; a time needs its zone. */
const dateOf = (text: string): number => parseTime(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text);

function spanOf({ opts, clock }: PollContext): Span {
  const to = opts.to === undefined ? clock.now() : dateOf(opts.to);
  return { from: opts.from === undefined ? to - 30 * day : dateOf(opts.from), to };
}

const configured = ({ opts }: PollContext): string[] => opts.vin.map((vin) => vin.toUpperCase());

async function vehiclesOf(ctx: PollContext, poller: Poller): Promise<string[]> {
  if (ctx.opts.vin.length > 0) return configured(ctx);
  const vins = await poller.vehicles();
  if (vins.length === 0)
    throw fail('noPermission', 'the account is primary user of no vehicle', "Map one in BMW's portal.");
  return vins;
}

/** One round. A vehicle that can't be read keeps none of the others from it; the first such fault ends the round. */
async function* readAll(ctx: PollContext, poller: Poller, vins: readonly string[]): AsyncGenerator<VoltRecord, void> {
  const faults: CommandError[] = [];
  for (const vin of vins) {
    try {
      yield* poller.read(vin, ctx.opts.what as What, spanOf(ctx));
      ctx.alive();
      ctx.log.recovered(vin, `${vin}: readings are back`);
    } catch (error) {
      if (!concernsOneVehicle(error)) throw error;
      faults.push(error);
      if (vins.length > 1) ctx.log.lost(vin, `${vin}: ${sentence(error)}`);
    }
  }
  const [first] = faults;
  const goesOn = ctx.opts.interval !== undefined && faults.length < vins.length;
  if (first && !goesOn) throw first;
}

const passing = new Set<number>([exit.unavailable, exit.later, exit.protocol, exit.io]);

/** A fault that ends a single reading is only a missed round for a command that goes on. Anything else is thrown. */
function missed(ctx: PollContext, error: unknown): void {
  if (!(error instanceof CommandError) || !passing.has(error.status)) throw error;
  ctx.log.lost('poll', sentence(error));
}

const readingsAreBack = 'readings are back';

async function* atInterval(ctx: PollContext, poller: Poller, interval: number): AsyncGenerator<VoltRecord, void> {
  let vins = configured(ctx);
  const perDay = (day / interval) * Math.max(1, vins.length);
  if (perDay > ctx.opts.maxRequests) {
    ctx.log.warn(
      `${Math.round(perDay)} readings a day are asked for, ${ctx.opts.maxRequests} are allowed: rounds will be missed`,
    );
  }
  while (!ctx.signal.aborted) {
    try {
      if (vins.length === 0) vins = await vehiclesOf(ctx, poller);
      yield* readAll(ctx, poller, vins);
      ctx.log.recovered('poll', readingsAreBack);
    } catch (error) {
      missed(ctx, error);
      ctx.unready((error as CommandError).message);
    }
    await ctx.clock.sleep(interval, ctx.signal).catch(() => {});
  }
}
