import { accountOf, bmwAccess } from '../clients/bmw/access.ts';
import { loginOptions, openLogin, readCertificates } from '../clients/bmw/login.ts';
import { checkVins, recordOf } from '../clients/bmw/messages.ts';
import { bmwAddresses } from '../clients/bmw/portal.ts';
import { type Seen, seenKeeper, seenState, unknownVehicle } from '../clients/bmw/seen.ts';
import { type Access, runStream, type StreamOptions } from '../clients/bmw/stream.ts';
import type { VoltRecord } from '../records/record.ts';
import { parseTime } from '../records/time.ts';
import { defineCommand } from '../runtime/command.ts';
import type { Context } from '../runtime/context.ts';
import { exit, fail } from '../runtime/exit.ts';
import { HeldLock } from '../runtime/lock.ts';

const options = {
  vin: {
    type: 'string',
    repeatable: true,
    value: 'VIN',
    key: 'bmw.vin',
    summary: 'vehicle to listen to; several are allowed',
  },
  all: { type: 'flag', summary: 'listen to every vehicle of the account' },
  seen: { type: 'flag', summary: 'print which descriptors ever came from which vehicle, with the last time, and end' },
  mirrorUrl: {
    type: 'url',
    key: 'bmw.mirrorUrl',
    summary: "listen to a broker that mirrors BMW's messages instead; needs no login",
  },
  mirrorPrefix: {
    type: 'string',
    value: 'TOPIC',
    key: 'bmw.mirrorPrefix',
    default: 'bmw/raw',
    summary: 'topic below which the mirror has the messages',
  },
  mirrorUser: { type: 'secret', key: 'bmw.mirrorUser', summary: "user name at the mirror's broker" },
  mirrorPassword: { type: 'secret', key: 'bmw.mirrorPassword', summary: "password at the mirror's broker" },
  mqttVersion: {
    type: 'choice',
    choices: ['4', '5'],
    default: '4',
    key: 'bmw.mqttVersion',
    rare: true,
    summary: 'protocol level: 4 is MQTT 3.1.1, 5 is MQTT 5; BMW speaks both',
  },
  queueSize: {
    type: 'integer',
    min: 1,
    default: 10_000,
    key: 'bmw.queueSize',
    rare: true,
    summary: 'records held while the reader is slow; beyond it the oldest go, and a gap record says so',
  },
  brokerUrl: {
    type: 'string',
    value: '[URL|HOST:PORT]',
    key: 'bmw.brokerUrl',
    aliases: ['mqtt.brokerUrl'],
    default: bmwAddresses.broker,
    rare: true,
    summary: "BMW's broker, or a simulator",
  },
  tls: {
    type: 'flag',
    default: true,
    key: 'bmw.tls',
    aliases: ['mqtt.tls'],
    rare: true,
    summary: 'use TLS where the broker is given as HOST:PORT',
  },
  ...loginOptions,
} as const;

type StreamContext = Context<typeof options>;

/** BMW's CarData stream as records. */
export const command = defineCommand({
  name: 'bmw-stream',
  kind: 'source',
  input: 'none',
  writes: ['bmw_telematics', 'bmw_descriptor', 'gap'],
  format: 'record',
  longRunning: true,
  countable: true,
  summary: "streams a vehicle's live data from BMW CarData",
  description: `Subscribes to BMW's CarData stream and prints a bmw_telematics record a message, with BMW's values as they are. Log in once
with bmw-login; from then on bmw-stream renews the tokens before they run out, connects again with the new password, and comes
back after every fault, as slowly as BMW wants it.

BMW sends only what was chosen in its portal ("Configure data stream"), only from the moment of the subscription on, and at times
of the vehicle's choosing: every few minutes on the road, nothing for days from a parked car. Silence is no fault, and bmw-stream
never connects again because of it. What is missed while there is no connection is missed for good.

The connection is renewed once an hour, with a pause of 10 seconds that BMW demands between two connections.

BMW allows ONE connection for an account. Let several readers share it with tee, or publish the records on a broker of your own
and read them elsewhere with --mirror-url.`,
  options,
  sections: [
    {
      title: 'A MIRROR',
      text: `With --mirror-url the records come from another broker, to which somebody republishes BMW's messages
as they are (bmw-mqtt-bridge) or the records of another bmw-stream (mosquitto_pub -l). No login is used. Everything below --mirror-prefix is read; what has not one of BMW's shapes is counted and
skipped.`,
    },
    {
      title: 'METRICS',
      text: `voltpipe_mqtt_connected is 1 while the subscription stands. voltpipe_last_record_timestamp_seconds is when the last message came.
voltpipe_malformed_messages_total counts messages that were no CarData.`,
    },
  ],
  examples: [
    {
      text: 'Follow the state of charge',
      command: `bmw-stream | normalize | jq --unbuffered '.soc // empty'`,
      needs: ['bmw', 'login'],
      interruptAfter: 3,
    },
    {
      text: 'Bring a vehicle live into A Better Routeplanner',
      command: 'bmw-stream | normalize | abrp-push',
      needs: ['bmw', 'abrp', 'login'],
      interruptAfter: 3,
    },
    { text: 'See what the vehicle has ever sent', command: 'bmw-stream --seen' },
  ],
  files: [
    { path: '<data dir>/bmw-tokens.json', text: 'the login, written by bmw-login and renewed here' },
    { path: '<data dir>/bmw-seen.json', text: 'which descriptors came from which vehicle, and when last' },
  ],
  seeAlso: ['bmw-login(1)', 'bmw-poll(1)', 'normalize(1)'],

  check(opts) {
    const vins = opts['vin'] as readonly string[];
    checkVins(vins);
    if (vins.length === 0 && !opts['all'] && !opts['seen'] && opts['mirrorUrl'] === undefined) {
      throw fail('config', 'bmw.vin: no vehicle is given', 'Set bmw.vin, or use --vin or --all.');
    }
  },

  async *run(ctx) {
    if (ctx.opts.seen) {
      yield* listSeen(ctx);
      return exit.ok;
    }
    const { access, topics, broker, via } = await (ctx.opts.mirrorUrl === undefined ? fromBmw(ctx) : fromMirror(ctx));
    const queue = ctx.queue({ max: ctx.opts.queueSize, policy: 'drop-oldest' });
    const seen = seenKeeper(ctx);
    const wanted = ctx.opts.all ? undefined : wantedVins(ctx);
    const connected = ctx.metric('mqtt_connected', 'Whether the subscription at the broker stands');
    const lastRecord = ctx.metric('last_record_timestamp_seconds', 'When the last message came');
    const malformed = ctx.metric('malformed_messages_total', 'Messages that were no CarData');
    connected.set(0);
    let first = true;

    const streaming = runStream({
      access,
      topics,
      broker,
      clock: ctx.clock,
      signal: ctx.signal,
      log: ctx.log,
      onMessage(message) {
        const now = ctx.clock.now();
        const record = recordOf(message, via, now);
        if (typeof record === 'string') {
          malformed.add(1);
          ctx.log.lost('payload', `message skipped: ${record}`, { bytes: message.payload.length });
          return;
        }
        if (wanted && record.vin !== undefined && !wanted.has(record.vin)) return;
        lastRecord.set(now / 1000);
        seen.note(record);
        queue.push(record);
      },
      onTraffic: ctx.alive,
      onUp() {
        connected.set(1);
        ctx.log[first ? 'info' : 'debug']('stream: connected', { topics: topics.length });
        first = false;
      },
      onDown(why) {
        connected.set(0);
        if (why !== undefined) ctx.unready(why);
      },
    });
    const over = queue.endWith(streaming);
    try {
      yield* queue;
    } finally {
      await over;
      await seen.save();
    }
    return exit.ok;
  },
});

type Wiring = Pick<StreamOptions, 'topics' | 'broker'> & { access: Access; via: 'stream' | 'mirror' };

const wantedVins = (ctx: StreamContext): Set<string> | undefined =>
  ctx.opts.vin.length === 0 ? undefined : new Set(ctx.opts.vin.map((vin) => vin.toUpperCase()));

const version = (ctx: StreamContext): 4 | 5 => (ctx.opts.mqttVersion === '5' ? 5 : 4);

/** BMW's own broker: one owner of the account, TLS 1.3, and the account as the client's id, so that we replace our own dead session. */
async function fromBmw(ctx: StreamContext): Promise<Wiring> {
  const { opts } = ctx;
  const { store, ca } = await openLogin(ctx);
  const account = accountOf(await store.read(), opts.gcid);
  await ctx.lock(`bmw-${account}`, 'data').catch((error) => {
    if (!(error instanceof HeldLock)) throw error;
    const next = 'BMW allows one connection for an account: stop the other, or share its output with tee.';
    throw fail('later', `another bmw-stream runs for this account: ${error.message}`, next);
  });
  const url = /^\w+:\/\//.test(opts.brokerUrl) ? opts.brokerUrl : `${opts.tls ? 'mqtts' : 'mqtt'}://${opts.brokerUrl}`;
  return {
    via: 'stream',
    access: bmwAccess(store, ctx, opts.gcid),
    topics: opts.all ? [`${account}/+`] : opts.vin.map((vin) => `${account}/${vin.toUpperCase()}`),
    broker: { url, ca, minVersion: 'TLSv1.3', version: version(ctx), clientId: account },
  };
}

/** Somebody else's broker: any TLS, a fixed password, and everything below the prefix. */
async function fromMirror(ctx: StreamContext): Promise<Wiring> {
  const { opts } = ctx;
  const [username, password] = await Promise.all([ctx.secret('mirrorUser'), ctx.secret('mirrorPassword')]);
  return {
    via: 'mirror',
    access: {
      async get(force) {
        if (!force) return { username, password };
        throw fail('noPermission', "the mirror's broker refuses us", 'Check bmw.mirrorUser and bmw.mirrorPassword.');
      },
    },
    topics: [`${opts.mirrorPrefix.replace(/\/+$/, '')}/#`],
    broker: { url: opts.mirrorUrl as string, ca: readCertificates(opts.ca), version: version(ctx) },
  };
}

/** What ever came, vehicle by vehicle, longest ago first: a descriptor that stopped coming stands at the top. */
async function* listSeen(ctx: StreamContext): AsyncGenerator<VoltRecord, void, void> {
  const wanted = wantedVins(ctx);
  for (const [vin, descriptors] of Object.entries((await ctx.state<Seen>(seenState).read()) ?? {})) {
    if (wanted && !wanted.has(vin)) continue;
    const sorted = Object.entries(descriptors).sort(([, a], [, b]) => parseTime(a) - parseTime(b));
    const named = vin === unknownVehicle ? {} : { vin };
    for (const [descriptor, time] of sorted) yield { type: 'bmw_descriptor', time, ...named, descriptor };
  }
}
