import { type Access, findAccess } from '../clients/abrp/access.ts';
import { abrpApi } from '../clients/abrp/api.ts';
import { isOutdated } from '../clients/abrp/outdated.ts';
import { createPusher } from '../clients/abrp/pusher.ts';
import { receiptOf } from '../clients/abrp/report.ts';
import { createTokens } from '../clients/abrp/tokens.ts';
import { abrpUrl } from '../protocols/abrp/requests.ts';
import { tlmFields, toTlm } from '../protocols/abrp/telemetry.ts';
import type { VoltRecord } from '../records/record.ts';
import { vehicleTelemetry } from '../records/vehicle-telemetry.ts';
import { timestamp } from '../runtime/clock.ts';
import { defineCommand } from '../runtime/command.ts';
import type { Context } from '../runtime/context.ts';
import { counted } from '../runtime/counted.ts';
import { exit, fail } from '../runtime/exit.ts';
import type { Options } from '../runtime/options.ts';
import { httpClient } from '../transports/http/client.ts';

const options = {
  url: {
    type: 'url',
    key: 'abrp.url',
    default: abrpUrl,
    summary: "base address of ABRP's API; that of tlm/send itself is understood too",
  },
  apiKey: {
    type: 'secret',
    key: 'abrp.apiKey',
    summary: 'API key of the application, given out by contact@iternio.com',
  },
  userToken: {
    type: 'secret',
    key: 'abrp.userToken',
    summary: "user token of the vehicle, from the ABRP app: the car's settings, Live data, Generic",
  },
  tokens: { type: 'map', key: 'abrp.tokens', sensitive: true, summary: 'user tokens by VIN, for several vehicles' },
  tokensFile: { type: 'file', summary: 'YAML or JSON file with user tokens by VIN, beside abrp.tokens' },
  vin: {
    type: 'list',
    key: 'abrp.vin',
    value: 'VIN',
    summary: 'push these vehicles alone; a single one is whom the user token belongs to',
  },
  minInterval: {
    type: 'duration',
    key: 'abrp.minInterval',
    aliases: ['rateLimitSeconds'],
    default: 10_000,
    min: 1000,
    summary: 'shortest time between two pushes of a vehicle',
  },
  onChange: {
    type: 'list',
    key: 'abrp.onChange',
    value: 'KEY,…',
    summary: 'push only when one of these keys has changed, and every --heartbeat',
  },
  heartbeat: {
    type: 'duration',
    key: 'abrp.heartbeat',
    default: 30_000,
    summary: 'how often a parked car that says nothing is pushed again; 0: never',
  },
  bulk: {
    type: 'choice',
    key: 'abrp.bulk',
    choices: ['auto', 'never', 'always'],
    default: 'auto',
    summary: 'send points that had to wait together; never: only the newest is kept',
  },
  maxSocAge: {
    type: 'duration',
    key: 'abrp.maxSocAge',
    default: 30 * 60_000,
    summary: 'while the car drives or charges, send no soc that is older than this; 0: any',
  },
  readTimeout: { type: 'duration', default: 15_000, min: 100, summary: 'time for one exchange', rare: true },
  verify: { type: 'flag', summary: 'ask ABRP, a minute after the first push, what it shows of the vehicle' },
  dryRun: { type: 'flag', summary: 'print each point as ABRP would get it, as abrp_point records, and send nothing' },
} as const satisfies Options;

type Ctx = Context<typeof options>;

const telemetryKeys: ReadonlySet<string> = new Set(vehicleTelemetry.keys.map(({ name }) => name));

/** Sends `vehicle_telemetry` to A Better Routeplanner. */
export const command = defineCommand({
  name: 'abrp-push',
  kind: 'sink',
  input: 'required',
  reads: ['vehicle_telemetry'],
  writes: ['receipt', 'abrp_point'],
  format: 'record',
  longRunning: true,
  receipts: true,
  summary: 'sends vehicle telemetry to A Better Routeplanner',
  description: `Reads vehicle_telemetry records, as normalize makes them, and pushes them to A Better Routeplanner (ABRP), which then plans with the real state of the car.

It needs an API key (abrp.apiKey; one an application, free of charge from contact@iternio.com) and for each vehicle a user token: in the ABRP app, not on the web page, open the car's settings, Live data, Generic, and copy the token. With one vehicle that is abrp.userToken, with several abrp.tokens, a map from VIN to token. A token is never used for two vehicles.

What goes out is ABRP's fields (${tlmFields.join(', ')}) as far as they are known. A record without a measured soc or without utc is not sent, since ABRP would plan nonsense with it. While the car drives or charges, a record is not sent either when its soc is much older than the rest of it (soc_age_s above --max-soc-age): ABRP would go on from a charge that is long gone. A parked car keeps its charge, and is sent whatever its age.

While the car charges, power is the negative charging_power unless power itself says that it flows into the battery.`,
  options,
  sections: [
    {
      title: 'PACE',
      text: `Two pushes of a vehicle are never closer than --min-interval. A record that comes sooner waits, and a newer one takes its place: the last state of a burst always arrives. With --on-change a record asks for a push only when one of the named keys has changed; that brings the push forward, to the minimum interval at the earliest. Other records go out with it, or after --heartbeat.

A car that is parked or plugged in, does not charge and says nothing is pushed again every --heartbeat for an hour, with utc moved on by the time that has passed and without what flows (power, current), because ABRP shows a silent car as offline. In other states the last point is repeated once, after 61 s, as it was.

ABRP looks at what it got within 60 seconds only when more data comes after them. After a single push nothing is to be seen: it shows with the next one. --verify waits for that, sends the last point again and asks ABRP what it shows; exit status 76 if it shows nothing.

At the end of input what waits is still sent, at its pace. After a signal it is sent at once, the one case in which the minimum interval does not hold.`,
    },
    {
      title: 'FAULTS',
      text: `While ABRP cannot be reached, or answers with 5xx, 404, 429 or something else than JSON, points wait, one for every --min-interval of measured time, and are sent in order, up to 100 in one call, when ABRP is back; with --bulk never only the newest waits. When 720 wait, no more is read, so that the stages before it wait. The waits between attempts double from 5 s to 60 s. After the end of input ABRP is tried for another minute, then the exit status is 69.

An answer with HTTP 200 may still be an error: the point is then said to be rejected and not sent again, since it would be rejected again; the exit status is 76 when that happened to the last point of a vehicle. Fields that ABRP misses (missing) are said once.

A token or key that is refused (401) ends the command with 77; one that had worked is tried three times first. With several vehicles only the one concerned stops, its records are skipped from then on, and 77 is the exit status at the end, or at once when no vehicle is left.`,
    },
    {
      title: 'ACKNOWLEDGEMENT',
      text: `In voltpipe run, and behind a program that asks for acknowledgements (see voltpipe(7)), a record counts as delivered when ABRP has taken it or a newer one of the same vehicle that took its place. Skipped records (no soc, no token, another --vin) and rejected ones count at once, in their order.`,
    },
    {
      title: 'METRICS',
      text: `voltpipe_push_total by result (ok, rejected, refused, failed) and voltpipe_last_push_timestamp_seconds.`,
    },
  ],
  examples: [
    {
      text: 'See what ABRP would get, without an account',
      command: 'abrp-push --dry-run',
      stdin:
        '{"type":"vehicle_telemetry","time":"2026-03-01T12:00:00.000Z","utc":1772366400,"soc":63,"is_charging":true,"is_plugged_in":true,"charging_power":10.8}\n',
      stdout:
        '{"type":"abrp_point","time":"2026-03-01T12:00:00.000Z","method":"send","tlm":{"utc":1772366400,"soc":63,"power":-10.8,"is_charging":true}}\n',
    },
    {
      text: 'Send one state, with a receipt of what ABRP answered',
      command: 'abrp-push --receipts',
      stdin:
        '{"type":"vehicle_telemetry","time":"2026-03-01T12:00:00.000Z","utc":1772366400,"soc":63,"is_charging":false}\n',
      needs: ['abrp'],
    },
    {
      text: 'A BMW, live',
      command: 'bmw-stream | normalize | abrp-push',
      needs: ['bmw', 'abrp', 'login'],
      interruptAfter: 3,
    },
    {
      text: 'Push when charge or charging state changes, at most every half minute, and let Prometheus watch',
      command: 'abrp-push --on-change soc,is_charging --min-interval 30s --http 9464',
      notRun: 'needs port 9464',
    },
  ],
  seeAlso: ['normalize(1)', 'bmw-stream(1)', 'simulate-abrp(1)', 'voltpipe-records(5)'],
  check(opts) {
    const unknown = (opts.onChange as readonly string[]).filter((key) => !telemetryKeys.has(key));
    if (unknown.length > 0) throw fail('usage', `--on-change ${unknown.join(',')}: no key of vehicle_telemetry`);
  },
  async *run(ctx) {
    if (ctx.opts.dryRun) yield* dryRun(ctx);
    else return yield* push(ctx);
  },
});

/** Points as they would be sent, all of them: a pace would only hide what is to be seen. Nothing counts as delivered. */
async function* dryRun(ctx: Ctx): AsyncGenerator<VoltRecord> {
  const { wants } = createTokens({}, undefined, ctx.opts.vin);
  for await (const record of ctx.input) {
    const { vin } = record;
    if (!wants(String(vin))) continue;
    const { tlm, lacks } = toTlm(record);
    if (lacks) ctx.log.lost(`${vin} ${lacks}`, `records without ${lacks.join(' and ')} would not be sent`);
    else if (isOutdated(record, ctx.opts.maxSocAge)) {
      ctx.log.warn(
        `a record of a car that drives or charges, with a soc of ${record.soc_age_s} s ago, would not be sent`,
      );
    } else {
      yield {
        type: 'abrp_point',
        time: timestamp(tlm.utc * 1000),
        ...(typeof vin === 'string' ? { vin } : {}),
        method: 'send',
        tlm,
      };
    }
  }
}

async function access(ctx: Ctx, { tokens, tokensFile, vin }: Ctx['opts']): Promise<Access> {
  const [apiKey, userToken] = await Promise.all([ctx.secret('apiKey'), ctx.secret('userToken')]);
  return findAccess({ apiKey, userToken, tokens, tokensFile, vins: vin, redact: ctx.redact });
}

async function* push(ctx: Ctx): AsyncGenerator<VoltRecord, number> {
  const { opts, clock, log } = ctx;
  let { apiKey, tokens } = await access(ctx, opts);
  const pushes = ctx.metric('push_total', 'pushes by result');
  const lastPush = ctx.metric('last_push_timestamp_seconds', 'when ABRP last took a push');
  const receipts = ctx.queue({ max: 1000, policy: 'pause' });
  const http = httpClient(clock);
  const pusher = createPusher({
    api: abrpApi({
      http,
      clock,
      url: opts.url,
      apiKey: () => apiKey,
      bulk: opts.bulk,
      timeout: opts.readTimeout,
      signal: ctx.deadline,
    }),
    clock,
    log,
    pace: { minInterval: opts.minInterval, onChange: opts.onChange, heartbeat: opts.heartbeat, bulk: opts.bulk },
    tokens,
    maxSocAge: opts.maxSocAge,
    verify: opts.verify,
    deadline: ctx.deadline,
    onDelivered: (n) => ctx.delivered(n),
    onReport(report) {
      if (report.count > 0) pushes.add(1, { result: report.result });
      if (report.result === 'ok') {
        lastPush.set(clock.now() / 1000);
        ctx.alive();
      } else if (report.result === 'refused' || report.result === 'failed') {
        ctx.unready(`ABRP: ${report.message ?? report.status}`);
      }
      receipts.push(receiptOf(report, timestamp(clock.now())));
    },
  });
  ctx.onReload(async (fresh) => {
    ({ apiKey, tokens } = await access(ctx, fresh));
    pusher.useTokens(tokens);
  });
  ctx.signal.addEventListener('abort', () => pusher.hurry(), { once: true });

  let status: number = exit.ok;
  const work = async (): Promise<void> => {
    const refused = pusher.refused.then((answer) => {
      throw refusal(answer.message ?? `HTTP ${answer.status}`);
    });
    const read = async (): Promise<void> => {
      for await (const record of ctx.input) {
        const full = pusher.take(record);
        if (full) await full;
      }
      const end = await pusher.finish();
      if (end.refused) throw refusal(end.refused.message ?? `HTTP ${end.refused.status}`);
      if (end.unsent > 0) {
        const why = ctx.signal.aborted ? 'ABRP took none before the end' : 'ABRP took none for a minute';
        throw fail('unavailable', `${counted(end.unsent, 'point')} not delivered: ${why}`);
      }
      if (end.notShown || end.rejected) status = exit.protocol;
    };
    await Promise.race([refused, read()]);
  };
  void receipts.endWith(work());
  try {
    yield* receipts;
    return status;
  } finally {
    pusher.close();
    await http.close();
  }
}

const refusal = (said: string): Error =>
  fail(
    'noPermission',
    `ABRP refuses the user token or the API key: ${said}`,
    "Copy the token from the ABRP app again (the car's settings, Live data, Generic) and check abrp.apiKey.",
  );
