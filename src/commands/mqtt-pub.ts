import { createAccount } from '../clients/mqtt/account.ts';
import { notAuthorised } from '../clients/mqtt/denials.ts';
import { checkTopics, type MessageSettings, messageMaker, parseTemplates } from '../clients/mqtt/messages.ts';
import { brokerOptions, brokerUrl, checkBroker, openBroker, topicOptions } from '../clients/mqtt/options.ts';
import { createOutlet, undelivered } from '../clients/mqtt/outlet.ts';
import { toRecordPayload } from '../protocols/mqtt/payloads.ts';
import { statusTopic } from '../protocols/mqtt/topics.ts';
import type { VoltRecord } from '../records/record.ts';
import { timestamp } from '../runtime/clock.ts';
import { defineCommand } from '../runtime/command.ts';
import type { Context } from '../runtime/context.ts';
import { exit } from '../runtime/exit.ts';
import type { Options } from '../runtime/options.ts';
import { description, sections } from './mqtt-pub-manual.ts';

const options = {
  ...brokerOptions,
  ...topicOptions,
  qos: {
    type: 'choice',
    choices: ['0', '1', '2'],
    key: 'mqtt.qos',
    value: '0|1|2',
    summary: 'quality of service of every message; as its type has it unless given',
  },
  retain: {
    type: 'list',
    key: 'mqtt.retain',
    value: 'TYPE,…',
    summary: 'record types whose messages the broker keeps, instead of those listed below; all, or none',
  },
  split: { type: 'flag', key: 'mqtt.split', summary: 'publish every value of a record in a topic of its own' },
  buffer: {
    type: 'integer',
    key: 'mqtt.buffer',
    default: 10,
    min: 0,
    max: 10_000,
    summary:
      'messages kept while the broker is away and what comes before can not wait; the oldest go, retained ones only for newer',
  },
  birthTopic: {
    type: 'string',
    key: 'mqtt.birthTopic',
    default: 'homeassistant/status',
    summary: "where Home Assistant says online; retained messages are then sent again. '' turns it off",
  },
  inFlight: {
    type: 'integer',
    key: 'mqtt.inFlight',
    default: 300,
    min: 1,
    max: 30_000,
    rare: true,
    summary: 'messages under way at most; the broker may let fewer through',
  },
  stall: {
    type: 'duration',
    key: 'mqtt.stall',
    default: 30_000,
    min: 1000,
    rare: true,
    summary: 'connect anew when the broker acknowledges nothing for so long',
  },
  patience: {
    type: 'duration',
    key: 'mqtt.patience',
    default: 60_000,
    rare: true,
    summary: 'how long the broker is tried after the end of the input',
  },
  dryRun: { type: 'flag', summary: 'print each message as an mqtt_message record, and connect to nothing' },
} as const satisfies Options;

type Ctx = Context<typeof options>;

/** Publishes records at an MQTT broker. */
export const command = defineCommand({
  name: 'mqtt-pub',
  kind: 'sink',
  input: 'required',
  writes: ['receipt', 'mqtt_message'],
  format: 'record',
  longRunning: true,
  receipts: true,
  summary: 'publishes records at an MQTT broker',
  description,
  options,
  sections,
  examples: [
    {
      text: 'See which messages a reading becomes',
      command: 'mqtt-pub --dry-run',
      stdin:
        '{"type":"battery_reading","time":"2026-03-01T12:00:00.000Z","device_id":"AA:BB:CC:DD:EE:FF","voltage":12.7}\n',
      stdout:
        '{"type":"mqtt_message","time":"2026-03-01T12:00:00.000Z","topic":"voltpipe/device/AA:BB:CC:DD:EE:FF/reading","payload":{"type":"battery_reading","time":"2026-03-01T12:00:00.000Z","device_id":"AA:BB:CC:DD:EE:FF","voltage":12.7},"qos":1,"retain":false}\n',
    },
    {
      text: 'One value a topic, retained, below a prefix of your own',
      command: 'mqtt-pub --dry-run --split --retain all --prefix home',
      stdin: '{"type":"battery_reading","time":"2026-03-01T12:00:00.000Z","device_id":"bank","voltage":12.7}\n',
      stdout:
        '{"type":"mqtt_message","time":"2026-03-01T12:00:00.000Z","topic":"home/device/bank/reading/time","payload":"2026-03-01T12:00:00.000Z","qos":1,"retain":true}\n{"type":"mqtt_message","time":"2026-03-01T12:00:00.000Z","topic":"home/device/bank/reading/voltage","payload":"12.7","qos":1,"retain":true}\n',
    },
    {
      text: 'A BMW in Home Assistant',
      command:
        'bmw-stream | normalize | ha-discovery | mqtt-pub --url mqtts://homeassistant.local --password-file broker.password',
      notRun: 'needs a broker of this name',
    },
    {
      text: 'Lose nothing while the broker is away',
      command: 'bmw-stream | spool /var/lib/voltpipe/mqtt -- mqtt-pub',
      notRun: 'needs a broker',
    },
  ],
  seeAlso: ['voltpipe-records(5)', 'voltpipe-config(5)'],

  check(opts) {
    checkBroker(opts);
    checkTopics(opts);
  },

  async *run(ctx) {
    if (ctx.opts.dryRun) yield* dryRun(ctx);
    else return yield* publish(ctx);
  },
});

const settingsOf = ({ opts }: Ctx): MessageSettings => ({
  prefix: opts.prefix.replace(/\/+$/, ''),
  instance: opts.instance,
  templates: parseTemplates(opts.topic),
  qos: opts.qos === undefined ? undefined : (Number(opts.qos) as 0 | 1 | 2),
  retain: opts.retain,
  split: opts.split,
  status: opts.status,
});

const maker = (ctx: Ctx) =>
  messageMaker(settingsOf(ctx), (level, first, second) =>
    ctx.log.lost(`collision ${level}`, 'two identities share one topic', { level, first, second }),
  );

async function* dryRun(ctx: Ctx): AsyncGenerator<VoltRecord> {
  const make = maker(ctx);
  for await (const record of ctx.input) {
    const made = make(record, () => ctx.text(record), -1);
    if (typeof made === 'string') {
      ctx.reject(made);
      continue;
    }
    for (const { topic, payload, qos, retain } of made) {
      const shown = toRecordPayload(Buffer.from(payload));
      yield { type: 'mqtt_message', time: record.time ?? timestamp(ctx.clock.now()), topic, ...shown, qos, retain };
    }
  }
}

async function* publish(ctx: Ctx): AsyncGenerator<VoltRecord, number> {
  const { opts, clock, log } = ctx;
  let broker = await openBroker(ctx);
  const settings = settingsOf(ctx);
  const make = maker(ctx);
  const receipts = ctx.queue({ max: 1000, policy: 'pause' });
  const connected = ctx.metric('mqtt_connected', 'whether there is a connection to the broker');
  const waiting = ctx.metric('mqtt_waiting', 'messages that wait or are under way');
  connected.set(0);
  const account = createAccount({
    clock,
    log,
    onDelivered(n) {
      ctx.delivered(n);
      waiting.set(outlet.outstanding);
    },
    onReceipt: (receipt) => receipts.push(receipt),
    published: ctx.metric('published_total', 'messages by result'),
  });
  const outlet = createOutlet({
    broker: () => broker.connect,
    version: broker.version,
    presence: opts.status
      ? {
          topic: statusTopic(settings.prefix, settings.instance),
          online: () => JSON.stringify({ status: 'online', time: timestamp(clock.now()) }),
          offline: JSON.stringify({ status: 'offline' }),
        }
      : undefined,
    birthTopic: opts.birthTopic === '' ? undefined : opts.birthTopic,
    window: opts.inFlight,
    buffer: opts.buffer,
    waits: () => ctx.upstreamWaits,
    stall: opts.stall,
    patience: opts.patience,
    clock,
    log,
    deadline: ctx.deadline,
    onFate: account.settle,
    onUp() {
      connected.set(1);
      log.debug('connected', { broker: brokerUrl(opts) });
      account.sayDropped();
    },
    onDown(why) {
      connected.set(0);
      ctx.unready(`broker: ${why.message}`);
    },
    onTraffic: ctx.alive,
  });
  ctx.onReload(async (fresh) => {
    broker = await openBroker({ opts: fresh, secret: ctx.secret });
  });

  let reading = true;
  const read = async (): Promise<void> => {
    // Before it is known whether the broker is there, nothing is read: what came in meanwhile would have to go.
    await outlet.tried;
    for await (const record of ctx.input) {
      const ordinal = account.open();
      const made = make(record, () => ctx.text(record), ordinal);
      if (typeof made === 'string') ctx.reject(made);
      account.made(ordinal, typeof made === 'string' ? 0 : made.length);
      if (typeof made === 'string') continue;
      let full: Promise<void> | undefined;
      for (const job of made) full = outlet.offer(job);
      if (full) await full;
    }
    reading = false;
    const left = await outlet.finish();
    account.sayDropped();
    if (left > 0) throw undelivered(left, 'the broker could not be reached in time');
  };
  const late = new Promise<never>((_resolve, reject) => {
    ctx.deadline.addEventListener('abort', () => {
      if (reading) reject(undelivered(outlet.outstanding, 'the broker could not be reached before the end'));
    });
  });
  void receipts.endWith(Promise.race([outlet.refused, account.denied, late, read()]));
  try {
    yield* receipts;
    if (account.lost) return exit.unavailable;
    if (account.refused === undefined) return exit.ok;
    return account.refused === notAuthorised ? exit.noPermission : exit.protocol;
  } finally {
    outlet.close();
  }
}
