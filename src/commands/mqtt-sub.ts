import { createIntake } from '../clients/mqtt/intake.ts';
import { brokerOptions, checkBroker, openBroker } from '../clients/mqtt/options.ts';
import { toRecordPayload, unwrap } from '../protocols/mqtt/payloads.ts';
import { filterFault } from '../protocols/mqtt/topics.ts';
import type { VoltRecord } from '../records/record.ts';
import { timestamp } from '../runtime/clock.ts';
import { defineCommand } from '../runtime/command.ts';
import type { Context } from '../runtime/context.ts';
import { fail } from '../runtime/exit.ts';
import type { Options } from '../runtime/options.ts';
import type { MqttMessage } from '../transports/mqtt/client.ts';

const options = {
  ...brokerOptions,
  qos: {
    type: 'choice',
    choices: ['0', '1', '2'],
    default: '1',
    value: '0|1|2',
    summary: 'highest quality of service that is asked for',
  },
  unwrap: { type: 'flag', summary: 'print the payloads themselves, as records; retained messages are left out' },
  retained: {
    type: 'choice',
    choices: ['keep', 'drop'],
    summary: 'what to do with messages that the broker had retained; keep, or drop with --unwrap, unless given',
  },
  share: {
    type: 'string',
    value: 'GROUP',
    summary: 'share the messages with every other subscriber of this group: each goes to one of them',
  },
  session: {
    type: 'duration',
    min: 1000,
    summary: 'the broker keeps what comes while this command is away, for so long; needs --client-id',
  },
  queueSize: {
    type: 'integer',
    default: 1000,
    min: 1,
    max: 65_535,
    rare: true,
    summary: 'messages held while the reader is slow; then no more are read from the broker',
  },
} as const satisfies Options;

type Ctx = Context<typeof options>;

/** A longer line no reader of the toolkit would take. */
const longest = 1_000_000;

/** Messages of an MQTT broker as records. */
export const command = defineCommand({
  name: 'mqtt-sub',
  kind: 'source',
  input: 'none',
  writes: ['mqtt_message'],
  format: 'record',
  longRunning: true,
  countable: true,
  summary: 'subscribes to topics of an MQTT broker',
  description: `Prints an mqtt_message record for each message of the topics: with the payload as an object when it is JSON, as text when it is not, as base64 when it is no text.

With --unwrap the payloads are the records: JSON objects, printed as they are. What is no JSON object is skipped, counted, and said once. Retained messages are skipped too, since they may be as old as the broker: a command that somebody had retained would otherwise be carried out at every start.

The broker is that of the home: mqtt.url, or mqtt.broker and mqtt.port. User name and password come from files, the environment or the configuration, never from the command line.`,
  arguments: [
    {
      name: 'topic',
      summary: 'topic to subscribe to; + stands for one level, # for all that follow',
      required: true,
      variadic: true,
    },
  ],
  options,
  sections: [
    {
      title: 'DELIVERY',
      text: `A message of QoS 1, which one published with QoS 2 becomes unless --qos 2 is given, is acknowledged when its record has been written, in voltpipe run when the sink has it. With --session and --client-id the broker keeps what is not acknowledged, and what comes while mqtt-sub is away, and sends it with the next connection: nothing is lost then, and what was under way may come twice. Without --session, messages of an outage are missed.

With --qos 2 a message comes once and keeps its QoS, for a mirror of a broker; the handshake of QoS 2 promises the broker more than a record that is not yet written can keep, so one that is under way when the connection or the process ends is lost. It is refused with --session.

When the reader is slow, no more is read from the broker once --queue-size messages wait; the connection stays. What the broker does with the rest is its own policy: mosquitto keeps 1000 messages of QoS 1 for a client (max_queued_messages).

With --share several mqtt-sub divide the messages of a topic among themselves. A connection that is lost is made again, with waits from 1 s to 60 s, as often as it takes. A login or a topic that is refused ends the command with 77, a certificate of an unknown authority or for another name with 78.`,
    },
    {
      title: 'METRICS',
      text: `voltpipe_mqtt_connected, voltpipe_mqtt_unacknowledged (messages that are not yet safe), and voltpipe_messages_total by result: taken, retained, malformed.`,
    },
  ],
  examples: [
    {
      text: 'Everything that a wallbox is told, as commands for ocpp-serve',
      command: "mqtt-sub 'voltpipe/wallbox/+/set/+' --unwrap | ocpp-serve",
      notRun: 'needs a broker',
    },
    {
      text: 'Wait for one message',
      command: "mqtt-sub --once --timeout 1h 'home/door'",
      notRun: 'needs a broker',
    },
    {
      text: 'Nothing is lost while this command is away for less than a week',
      command: "mqtt-sub --client-id archive --session 7d 'voltpipe/#' | spool /var/lib/voltpipe/archive",
      notRun: 'needs a broker',
    },
    { text: 'A topic filter that is none', command: "mqtt-sub 'home/#/door'", status: 64 },
  ],
  seeAlso: ['mqtt-pub(1)', 'voltpipe-records(5)', 'voltpipe-config(5)'],

  check(opts, args) {
    checkBroker(opts);
    if (opts.qos === '2' && opts.session !== undefined) {
      throw fail(
        'usage',
        '--qos 2 with --session: what is under way could be lost',
        'Leave --qos 2 out: QoS 1 loses nothing.',
      );
    }
    for (const topic of args) {
      const fault = filterFault(topic);
      if (fault) throw fail('usage', `topic ${topic}: ${fault}`);
    }
    const { share, session, clientId } = opts;
    if (share !== undefined && (share === '' || /[/+#]/.test(share as string))) {
      throw fail('usage', `--share ${share}: no name`, 'A name has no /, + or #.');
    }
    if (session !== undefined && clientId === undefined) {
      throw fail('usage', '--session without --client-id', 'The broker knows a session by its client id.');
    }
  },

  async *run(ctx) {
    let broker = await openBroker(ctx);
    ctx.onReload(async (fresh) => {
      broker = await openBroker({ opts: fresh, secret: ctx.secret });
    });
    const { opts, args } = ctx;
    const connected = ctx.metric('mqtt_connected', 'whether the subscription at the broker stands');
    const unacknowledged = ctx.metric('mqtt_unacknowledged', 'messages that are not yet safe');
    const taking = taker(ctx);
    connected.set(0);
    const intake = createIntake({
      broker: () => broker.connect,
      version: broker.version,
      filters: args.map((topic) => (opts.share === undefined ? topic : `$share/${opts.share}/${topic}`)),
      qos: Number(opts.qos) as 0 | 1 | 2,
      session: opts.session === undefined ? undefined : Math.ceil(opts.session / 1000),
      receiveMaximum: opts.queueSize,
      clock: ctx.clock,
      log: ctx.log,
      deadline: ctx.deadline,
      onMessage(message) {
        const taken = taking.take(message);
        unacknowledged.set(intake.unacknowledged);
        return taken;
      },
      onUp() {
        connected.set(1);
        ctx.log.debug('subscribed', { topics: args.length });
      },
      onDown(why) {
        connected.set(0);
        ctx.unready(`broker: ${why.message}`);
      },
      onTraffic: ctx.alive,
    });
    intake.refused.catch((error) => taking.queue.fail(error));
    ctx.signal.addEventListener('abort', () => taking.queue.end(), { once: true });
    try {
      yield* taking.records();
    } finally {
      taking.close();
      await intake.finish(taking.unread);
    }
  },
});

/** Makes records of messages and puts them into the queue. */
function taker(ctx: Ctx) {
  const { opts, log, clock } = ctx;
  const messages = ctx.metric('messages_total', 'messages by result');
  const dropRetained = opts.retained === undefined ? opts.unwrap : opts.retained === 'drop';
  let resume: (() => void) | undefined;
  let room: Promise<void> | undefined;
  let skipped = 0;
  /** Records that wait in the queue for their acknowledgement: with --count some are never read. */
  const unread = new Set<VoltRecord>();
  const go = (): void => {
    resume?.();
    room = undefined;
  };
  const queue = ctx.queue({
    max: opts.queueSize,
    policy: 'pause',
    onPause() {
      room = new Promise((resolve) => {
        resume = resolve;
      });
    },
    onResume: go,
  });

  const recordOf = (message: MqttMessage): VoltRecord | string => {
    const { topic, payload, qos, retain } = message;
    if (payload.length > longest) return `longer than ${longest} bytes`;
    if (!opts.unwrap) {
      return { type: 'mqtt_message', time: timestamp(clock.now()), topic, ...toRecordPayload(payload), qos, retain };
    }
    const made = unwrap(payload);
    return 'fault' in made ? made.fault : made.record;
  };

  return {
    queue,
    async *records(): AsyncGenerator<VoltRecord, void, void> {
      for await (const record of queue) {
        unread.delete(record);
        yield record;
      }
    },
    get unread() {
      return unread.size;
    },
    take(message: MqttMessage): { safe?: Promise<void>; room?: Promise<void> | undefined } {
      if (message.retain && dropRetained) {
        messages.add(1, { result: 'retained' });
        return {};
      }
      const record = recordOf(message);
      if (typeof record === 'string') {
        messages.add(1, { result: 'malformed' });
        skipped++;
        log.lost('payload', `message skipped: ${record}`, { topic: message.topic, bytes: message.payload.length });
        return {};
      }
      messages.add(1, { result: 'taken' });
      const safe = message.qos > 0 ? ctx.written(record) : undefined;
      if (message.acknowledge) unread.add(record);
      queue.push(record);
      return { ...(safe && { safe }), room };
    },
    close() {
      go();
      if (skipped > 1) log.warn(`${skipped} messages were skipped`);
    },
  };
}
