import type { VoltRecord } from '../records/record.ts';
import { timestamp } from '../runtime/clock.ts';
import { defineCommand } from '../runtime/command.ts';
import type { Context } from '../runtime/context.ts';
import { parseListen } from '../runtime/http.ts';
import type { Options } from '../runtime/options.ts';
import { simulatedKey, simulatedToken, startAbrp } from '../simulators/abrp.ts';
import { type AbrpFault, abrpFaults } from '../simulators/abrp-faults.ts';
import type { AbrpPoint } from '../simulators/abrp-window.ts';
import { cannotListen, listenOption, readFault, reported } from '../simulators/serving.ts';
import { writeConfig } from '../simulators/write-config.ts';

const options = {
  listen: listenOption,
  apiKey: { type: 'secret', summary: `API key to accept (default: ${simulatedKey})` },
  token: {
    type: 'list',
    value: 'TOKEN',
    default: [simulatedToken],
    summary: 'user tokens to accept, one a vehicle; made up, so no secrets',
  },
  fault: {
    type: 'string',
    repeatable: true,
    value: 'KEY=VALUE,…',
    summary: 'what goes wrong with the first requests, as status=500,times=3; see FAULTS',
  },
  writeConfig: {
    type: 'file',
    summary: 'write abrp.url, abrp.apiKey and abrp.userToken into this configuration file, beside what is in it',
  },
} as const satisfies Options;

type Ctx = Context<typeof options>;

/** The far side of `abrp-push`. */
export const command = defineCommand({
  name: 'simulate abrp',
  kind: 'tool',
  input: 'none',
  writes: ['endpoint', 'abrp_point'],
  format: 'record',
  longRunning: true,
  summary: 'the telemetry API of A Better Routeplanner, for abrp-push',
  description: `Answers as ABRP's telemetry API does: tlm/send (JSON body, form body or query), tlm/bulk, get_telemetry, get_next_charge, set_next_charge and get_carmodels_list, below /1/. A wrong token is 401 with a text that is no JSON, a wrong path a page in HTML, an error of the application HTTP 200.

The first line on stdout is an endpoint record with the address; then comes an abrp_point record for each point taken. Runs until it is told to stop.

As with ABRP, get_telemetry shows a point only after more data came outside of its window of 60 seconds. Stricter than ABRP, it rejects null values and a utc in milliseconds.`,
  options,
  sections: [
    {
      title: 'FAULTS',
      text: `A fault hits the next request, or as many as times says. Each --fault follows the one before it. While it runs, POST /control takes the same keys as a JSON object.

- status=500: this HTTP status, with a page in HTML as a gateway sends it; 401 and 404 with ABRP's own body
- error=TEXT: HTTP 200 with status error and this text
- body=TEXT, contentType=TYPE: this body as it is
- retryAfter=30: a retry-after header
- delay=2000: milliseconds before the answer
- drop=before, drop=during: the connection is reset before anything is taken, or in the middle of the answer
- times=3: how many requests it hits`,
    },
  ],
  examples: [
    { text: 'An ABRP of your own on a free port', command: 'simulate abrp', interruptAfter: 2 },
    {
      text: 'Have abrp-push find it, and fail three times first',
      command: 'simulate abrp --fault status=500,times=3 --write-config sim.yaml',
      interruptAfter: 2,
    },
    {
      text: 'Break the next connection of one that listens on port 8089',
      command: `curl -d '{"drop":"during"}' http://127.0.0.1:8089/control`,
      notRun: 'needs one that runs on port 8089',
    },
  ],
  seeAlso: ['abrp-push(1)', 'simulate-bmw(1)'],
  check(opts) {
    for (const text of opts.fault as readonly string[]) faultOf(text);
  },
  async *run(ctx) {
    const { clock, opts } = ctx;
    const apiKey = (await ctx.secret('apiKey')) ?? simulatedKey;
    const { host, port } = parseListen(opts.listen, '--listen');
    const points = ctx.queue({ max: 10_000, policy: 'drop-oldest' });
    const abrp = await startAbrp({
      host,
      port,
      apiKey,
      tokens: opts.token,
      faults: opts.fault.map(faultOf),
      clock,
      onPoint: (point) => points.push(recordOf(point)),
    }).catch(cannotListen(opts.listen));
    try {
      await shareConfig(ctx, abrp.url, apiKey);
      const endpoint = { type: 'endpoint', time: timestamp(clock.now()), protocol: 'abrp', url: abrp.url };
      yield* reported(ctx, endpoint, points);
    } finally {
      await abrp.close();
    }
  },
});

const faultOf = (text: string): AbrpFault => readFault(text, abrpFaults.parse);

async function shareConfig({ opts }: Ctx, url: string, apiKey: string): Promise<void> {
  if (opts.writeConfig === undefined) return;
  await writeConfig(opts.writeConfig, { abrp: { url, apiKey, userToken: opts.token[0] } });
}

function recordOf({ tlm, method, vehicle, receivedAt }: AbrpPoint): VoltRecord {
  const measured = Number(tlm.utc ?? Number.NaN) * 1000;
  return {
    type: 'abrp_point',
    time: timestamp(Math.abs(measured) < 1e14 ? measured : receivedAt),
    tlm,
    method,
    vehicle,
    received_at: timestamp(receivedAt),
  };
}
