import { existsSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { VoltRecord } from '../records/record.ts';
import { timestamp } from '../runtime/clock.ts';
import { defineCommand } from '../runtime/command.ts';
import type { Context } from '../runtime/context.ts';
import { writeDurably } from '../runtime/durable.ts';
import { fail } from '../runtime/exit.ts';
import type { Options } from '../runtime/options.ts';
import { bmwLifetimes } from '../simulators/bmw/account.ts';
import { capturedVins, playCapture, readCapture } from '../simulators/bmw/capture.ts';
import { controls } from '../simulators/bmw/control.ts';
import { faultNames, parseFault } from '../simulators/bmw/faults.ts';
import { type Bmw, type BmwOptions, type Car, defaultVin, startBmw } from '../simulators/bmw/index.ts';
import type { ModelName } from '../simulators/bmw/models.ts';
import { cannotListen, untilStopped } from '../simulators/serving.ts';
import { writeConfig } from '../simulators/write-config.ts';

const options = {
  vin: { type: 'string', repeatable: true, value: 'VIN', summary: 'a car of the account' },
  model: {
    type: 'choice',
    choices: ['i4', 'i3', 'ix3', 'x1'],
    default: 'i4',
    summary: 'what the cars are; the x1 has a combustion engine',
  },
  approveAfter: {
    type: 'duration',
    summary: 'approve a login by itself after this time (default: open the link that bmw-login shows)',
  },
  speedUp: { type: 'number', min: 0.001, default: 1, value: 'N', summary: "let the cars' day run N times faster" },
  rate: { type: 'number', min: 0.001, value: 'N', summary: 'send N messages a second instead, as a load' },
  seed: { type: 'integer', default: 1, value: 'N', summary: 'same seed, same journey' },
  capture: { type: 'file', summary: 'play the messages of this NDJSON file instead' },
  tokenLifetime: {
    type: 'duration',
    min: 1000,
    default: bmwLifetimes.id,
    summary: 'how long access token and id token are good for',
  },
  secondClient: {
    type: 'choice',
    choices: ['refuse', 'evict'],
    default: 'refuse',
    summary: 'what happens when a second client connects',
  },
  reconnectPause: {
    type: 'duration',
    default: 10_000,
    summary: 'refuse who comes back sooner than this after a disconnect',
  },
  quota: { type: 'integer', min: 0, default: 50, value: 'N', summary: 'requests of the REST interface in 24 hours' },
  fault: {
    type: 'string',
    repeatable: true,
    value: 'NAME[:TIMES]',
    summary: 'let something go wrong, once, so many times or `always`',
  },
  listenHost: { type: 'string', default: '127.0.0.1', value: 'ADDRESS', summary: 'listen on this address' },
  authPort: { type: 'integer', min: 0, max: 65_535, default: 0, summary: 'port of the login; 0 takes a free one' },
  apiPort: {
    type: 'integer',
    min: 0,
    max: 65_535,
    default: 0,
    summary: 'port of the REST interface; 0 takes a free one',
  },
  brokerPort: { type: 'integer', min: 0, max: 65_535, default: 0, summary: 'port of the broker; 0 takes a free one' },
  writeConfig: { type: 'file', summary: 'write or extend a configuration file that points the real commands here' },
} as const satisfies Options;

type SimulateContext = Context<typeof options>;

/** What the broker's certificate authority is called on disk. */
const caName = 'bmw-simulator-ca.pem';

/** The cars: those named, those in the capture, or one. */
async function carsOf({ opts }: SimulateContext): Promise<Car[]> {
  const vins = new Set([...opts.vin, ...(opts.capture === undefined ? [] : await vinsIn(opts.capture))]);
  if (vins.size === 0) vins.add(defaultVin);
  return [...vins].map((vin) => ({ vin, model: opts.model as ModelName }));
}

async function vinsIn(file: string): Promise<string[]> {
  if (!existsSync(file)) throw fail('usage', `--capture ${file}: there is no such file`);
  const { vins, messages } = await capturedVins(file);
  if (messages === 0) throw fail('data', `--capture ${file}: no message of BMW CarData in it`);
  return vins;
}

async function settingsOf(ctx: SimulateContext, onEvent: NonNullable<BmwOptions['onEvent']>): Promise<BmwOptions> {
  const { opts, clock } = ctx;
  return {
    clock,
    host: opts.listenHost,
    ports: { auth: opts.authPort, api: opts.apiPort, broker: opts.brokerPort },
    cars: await carsOf(ctx),
    lifetimes: { access: opts.tokenLifetime, id: opts.tokenLifetime },
    oauth: { approveAfter: opts.approveAfter },
    rest: { quota: opts.quota },
    broker: { secondClient: opts.secondClient, reconnectPause: opts.reconnectPause, keepSent: 0 },
    faults: opts.fault.map((text) => parseFault(text) as NonNullable<ReturnType<typeof parseFault>>),
    ...(opts.capture === undefined
      ? { journey: { speedUp: opts.speedUp, seed: opts.seed, ...(opts.rate === undefined ? {} : { rate: opts.rate }) } }
      : {}),
    onEvent,
  };
}

/** The file of the certificate authority, for `bmw.ca` and other clients. */
const caFile = ({ opts, dataDir }: SimulateContext): string =>
  opts.writeConfig === undefined ? join(dataDir, caName) : resolve(`${opts.writeConfig}.${caName}`);

async function play(ctx: SimulateContext, file: string, bmw: Bmw): Promise<void> {
  const { speedUp, rate } = ctx.opts;
  const pace = { speedUp, ...(rate === undefined ? {} : { rate }) };
  const count = await playCapture(readCapture(file), pace, ctx.clock, ctx.signal, ({ vin, data }) =>
    bmw.publish(vin ?? (bmw.vins[0] as string), data),
  );
  ctx.log.info(`the capture is over: ${count} messages`);
}

/** The far side of BMW CarData. */
export const command = defineCommand({
  name: 'simulate bmw',
  kind: 'tool',
  input: 'none',
  writes: ['endpoint', 'simulator_event'],
  format: 'record',
  longRunning: true,
  summary: 'BMW CarData on this machine: login, REST interface and MQTT broker',
  description: `Plays BMW's servers, so that bmw-login, bmw-stream and bmw-poll can be tried, demonstrated and tested with no account and no
car: the login with device codes and PKCE, the REST interface with its allowance, and the broker over TLS 1.3 with BMW's manners.
Its cars drive, park and charge, and report as real ones do: mostly one value a message, latitude and longitude apart, some
messages twice, some late, numbers quoted here and there.

The first line on stdout is an endpoint record with all addresses; behind it comes one simulator_event record for each login,
connection, refusal, request and fault. No record holds a token.

A login is approved by opening the link that bmw-login shows, or by itself with --approve-after.`,
  options,
  sections: [
    {
      title: 'MANNERS OF THE BROKER',
      text: `User name is the gcid, password an id token that is in force. A bad or expired password is refused with CONNACK 4 (134 in MQTT 5),
all else with 5 (135): an id token without dynamic_scopes, a second client on the account, a reconnect within --reconnect-pause.
The connection is closed when the id token runs out, after 60 seconds without a packet from the client, and after a minute when
the client asked for a keep-alive above 30 seconds. A subscription that doesn't begin with the gcid is refused with 0x80 (0x87)
in the SUBACK, and the connection closed. Messages go out with QoS 0 and are never retained.

It speaks MQTT 3.1.1 and 5 over TLS 1.3, of MQTT 5 what a subscriber needs: properties are taken and ignored.`,
    },
    {
      title: 'FAULTS',
      text: `What --fault and the control take:

${Object.entries(faultNames)
  .map(([name, text]) => `- ${name}: ${text}`)
  .join('\n')}
- api-CU-…: an error id of the REST interface, as api-CU-429`,
    },
    {
      title: 'CONTROL',
      text: `A running simulator takes orders as JSON by POST to /control of auth_url, and says how it is on GET:

${Object.values(controls)
  .map(({ form, summary }) => `- ${form}: ${summary}`)
  .join('\n')}`,
    },
  ],
  examples: [
    {
      text: 'A BMW whose day takes three minutes, ready for the real commands',
      command: 'simulate bmw --approve-after 2s --speed-up 480 --write-config ./sim.yaml',
      interruptAfter: 2,
    },
    {
      text: 'Tokens that run out every minute, to see how a client renews them',
      command: 'simulate bmw --token-lifetime 1m --speed-up 60',
      interruptAfter: 2,
    },
    {
      text: 'Two hundred messages a second for two cars',
      command: 'simulate bmw --vin WBYVP000000000001 --vin WBYVP000000000002 --rate 200',
      interruptAfter: 2,
    },
    {
      text: 'A login that meets the gateway fault, then a broker that refuses twice',
      command: 'simulate bmw --approve-after 0 --fault poll-gateway-fault --fault broker-refuse-5:2',
      interruptAfter: 2,
    },
    {
      text: 'Play what was recorded, ten times as fast',
      command:
        'bmw-stream --count 3 > capture.ndjson; timeout 2 simulate bmw --capture capture.ndjson --speed-up 10 | head -n 1',
      needs: ['bmw', 'login'],
    },
  ],
  files: [
    { path: `FILE.${caName}`, text: 'certificate authority of the broker, beside the file of --write-config' },
    { path: `<data dir>/${caName}`, text: 'the same, without --write-config; removed at the end' },
  ],
  seeAlso: ['bmw-login(1)', 'bmw-stream(1)', 'bmw-poll(1)', 'simulate-abrp(1)', 'voltpipe-demo(1)'],

  check({ fault, vin }) {
    for (const text of fault as readonly string[]) {
      if (parseFault(text)) continue;
      throw fail('usage', `--fault ${text}: there is no such fault`, "'man simulate-bmw' lists them.");
    }
    for (const text of vin as readonly string[]) {
      if (!/^[A-Z0-9]{17}$/.test(text)) throw fail('usage', `--vin ${text}: a VIN has 17 capital letters and digits`);
    }
  },

  async *run(ctx) {
    const { clock, log, opts } = ctx;
    const events = ctx.queue({ max: 10_000, policy: 'drop-oldest' });
    const settings = await settingsOf(ctx, (event) =>
      events.push({ type: 'simulator_event', time: timestamp(clock.now()), source: 'bmw', ...event }),
    );
    const bmw = await startBmw(settings).catch(cannotListen(opts.listenHost, 'Choose other ports.'));
    const ca = caFile(ctx);
    try {
      await writeDurably(ca, bmw.ca, { mode: 0o644 });
      if (opts.writeConfig !== undefined) {
        const { clientId, vins, authUrl, apiUrl, brokerUrl } = bmw;
        await writeConfig(opts.writeConfig, { bmw: { clientId, vin: vins[0], authUrl, apiUrl, brokerUrl, ca } });
      }
      const endpoint: VoltRecord = {
        type: 'endpoint',
        time: timestamp(clock.now()),
        protocol: 'bmw',
        auth_url: bmw.authUrl,
        api_url: bmw.apiUrl,
        broker_url: bmw.brokerUrl,
        ca,
        client_id: bmw.clientId,
        gcid: bmw.gcid,
        vins: bmw.vins,
      };
      yield endpoint;
      ctx.alive();
      if (opts.capture !== undefined) {
        play(ctx, opts.capture, bmw).catch((error: Error) => {
          if (!ctx.signal.aborted) log.error(`--capture ${opts.capture}: ${error.message}`);
        });
      }
      yield* untilStopped(ctx.signal, events);
      return undefined;
    } finally {
      await bmw.close();
      if (opts.writeConfig === undefined) rmSync(ca, { force: true });
    }
  },
});
