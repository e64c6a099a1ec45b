import { checkTopics, parseTemplates } from '../clients/mqtt/messages.ts';
import { topicOptions } from '../clients/mqtt/options.ts';
import { createAnnouncer, type KnownDevices } from '../protocols/homeassistant/announcer.ts';
import { configTopic } from '../protocols/homeassistant/config.ts';
import { objectId, subjects } from '../protocols/homeassistant/device.ts';
import { createLocations, locationTopic } from '../protocols/homeassistant/location.ts';
import { ruleOf, statusTopic, topicFault, topicMaker } from '../protocols/mqtt/topics.ts';
import { inCapitals } from '../records/bluetooth-address.ts';
import type { VoltRecord } from '../records/record.ts';
import { timestamp } from '../runtime/clock.ts';
import { defineCommand } from '../runtime/command.ts';
import type { Context } from '../runtime/context.ts';
import { counted } from '../runtime/counted.ts';
import { fail } from '../runtime/exit.ts';
import type { Options } from '../runtime/options.ts';
import type { State } from '../runtime/state.ts';
import { version } from '../runtime/version.ts';

const options = {
  ...topicOptions,
  discoveryPrefix: {
    type: 'string',
    key: 'mqtt.discoveryPrefix',
    default: 'homeassistant',
    summary: 'topic below which Home Assistant looks for discovery messages',
  },
  expireAfter: {
    type: 'duration',
    key: 'mqtt.expireAfter',
    default: 7_200_000,
    summary: "how long a battery's values are shown without a new reading, at least twice its interval; 0: for ever",
  },
  omit: { type: 'list', value: 'KEY,…', summary: 'keys that get no entity, or lose the one they had: cells,lat' },
  announce: { type: 'flag', summary: 'announce every device again, whether something is new or not' },
  remove: { type: 'flag', summary: 'take the named devices, or all, out of Home Assistant, and end; reads no input' },
} as const satisfies Options;

type Ctx = Context<typeof options>;

/** Tells Home Assistant what the records are about. */
export const command = defineCommand({
  name: 'ha-discovery',
  kind: 'filter',
  input: 'required',
  inputOption: 'remove',
  writes: ['mqtt_message'],
  format: 'record',
  longRunning: true,
  summary: 'makes the devices in the records known to Home Assistant, for mqtt-pub',
  description: `Passes every record on as it is, and before the first one of a battery monitor, a vehicle or a wallbox puts an mqtt_message with which Home Assistant (2024.11 or newer, with its MQTT integration) makes a device of it, and an entity of each value that it has. Nothing has to be installed or written in Home Assistant.

Only what the device has been seen to have becomes an entity. When it comes up with a value for the first time, the device is announced again with one entity more; what is known is kept in the data directory, so that nothing vanishes after a restart. A new run announces each device once, with its first record; a job of cron, which runs with --no-status, does so for an unchanged device once an hour. Who deletes a device in Home Assistant has peace until then: mqtt-pub notices while it is connected, and does not send it again.

Entities are identified by the address of the monitor, the VIN or the identity of the wallbox, never by a name that may change. Names come from the registry where there is one. Units and classes are those of the vocabulary, so that energy and statistics work.

The states themselves are the records: mqtt-pub publishes them, and takes prefix, instance and topics from the same section of the configuration. An option that is given here has to be given there too.`,
  arguments: [{ name: 'device', summary: 'with --remove: address, VIN or identity of a device', variadic: true }],
  options,
  sections: [
    {
      title: 'DEVICES',
      text: `- battery_reading: a device for each device_id, with device_info for its versions
- battery_stats: energy in and out, cycles and the greatest cell difference, of the same device
- engine_start: how far the last start of an engine pulled the battery down
- alarm: a problem of its battery, vehicle or wallbox for each rule that was ever raised or cleared, on while it is raised; the rule that finds a battery low by voltage or charge, and has no name of its own, shows it as low. --omit alarm leaves all out
- device_status: whether that device is connected; from the first one on its entities are unavailable when it is not
- vehicle_telemetry: a device for each vin, with its location: the last one is kept in a retained message of its own, .../location below the topic of the records, since these carry a position only while it is fresh
- vehicle_summary: a device for each vehicle_id
- wallbox_state: a device for each charge_point

A battery, a vehicle and a wallbox of the same name, which is their id, can't be told apart: the second one is left out, and said.

All entities are unavailable when the status of --instance, which mqtt-pub keeps, is offline. With --no-status on both commands they are not; that is for cron, where mqtt-pub is over at once.`,
    },
    {
      title: 'REMOVING',
      text: `ha-discovery --remove | mqtt-pub --no-status takes out all devices that this instance has announced, with a device's id that one alone, in capitals or not. Their retained states go too; a pipeline that still runs may publish one again, since it keeps the last of each. Without --no-status the goodbye of this mqtt-pub would make all other devices of the instance unavailable. A device that is not known here is said, and its discovery message emptied all the same.`,
    },
  ],
  examples: [
    {
      text: 'Battery monitors in Home Assistant',
      command: 'bms-read --registry | ha-discovery | mqtt-pub',
      notRun: 'needs a broker and monitors',
    },
    {
      text: 'See what Home Assistant is told',
      command: `ha-discovery | jq -c 'select(.topic) | [.topic, (.payload.components|keys)]'`,
      stdin:
        '{"type":"battery_reading","time":"2026-03-01T12:00:00.000Z","device_id":"AA:BB:CC:DD:EE:FF","voltage":12.7,"temperature":21}\n',
      stdout: '["homeassistant/device/voltpipe_AABBCCDDEEFF/config",["temperature","voltage"]]',
    },
    {
      text: 'Take one out, and see which topics are emptied; without jq and with mqtt-pub it is done',
      command: 'ha-discovery --remove AA:BB:CC:DD:EE:FF | jq -r .topic',
      stdout: 'homeassistant/device/voltpipe_AABBCCDDEEFF/config',
    },
  ],
  files: [
    { path: '<data dir>/ha-discovery-INSTANCE.json', text: 'devices, what they have, and when they were announced' },
  ],
  seeAlso: ['mqtt-pub(1)', 'bms-read(1)', 'normalize(1)', 'voltpipe-records(5)'],

  check(opts, args) {
    checkTopics(opts);
    const fault = topicFault(opts.discoveryPrefix as string);
    if (fault) throw fail('config', `mqtt.discoveryPrefix ${opts.discoveryPrefix}: ${fault}`);
    if (opts.announce && opts.remove) throw fail('usage', '--announce and --remove exclude each other');
    if (args.length > 0 && !opts.remove) throw fail('usage', `${args[0]}: a device is named with --remove alone`);
  },

  async *run(ctx) {
    const state = ctx.state<Saved>(`ha-discovery-${ctx.opts.instance}`);
    if (ctx.opts.remove) yield* remove(ctx, state);
    else yield* announce(ctx, state);
  },
});

/** The document in the data directory. */
interface Saved {
  version: 1;
  devices: KnownDevices;
}

const prefixOf = (ctx: Ctx): string => ctx.opts.prefix.replace(/\/+$/, '');

const retained = (topic: string, payload: unknown, time: string): VoltRecord => ({
  type: 'mqtt_message',
  time,
  topic,
  payload,
  qos: 1,
  retain: true,
});

async function* announce(ctx: Ctx, state: State<Saved>): AsyncGenerator<VoltRecord> {
  const { opts, clock, log } = ctx;
  const topicOf = topicMaker({ prefix: prefixOf(ctx), instance: opts.instance, templates: parseTemplates(opts.topic) });
  const saved = (await state.read())?.devices ?? {};
  if (opts.announce) for (const { sent } of Object.values(saved)) if (sent) sent.hash = '';
  const announcer = createAnnouncer(
    {
      discoveryPrefix: opts.discoveryPrefix,
      statusTopic: opts.status ? statusTopic(prefixOf(ctx), opts.instance) : undefined,
      expireAfter: Math.ceil(opts.expireAfter / 1000),
      omit: new Set(opts.omit),
      version,
    },
    saved,
    (first, second) =>
      log.lost(`collision ${second}`, 'two of one name or topic for Home Assistant; one is left out, rename it', {
        first,
        second,
      }),
  );
  const locations = createLocations();
  const located = !opts.omit.includes('lat');
  for await (const record of ctx.input) {
    if (!Object.hasOwn(subjects, record.type)) {
      yield record;
      continue;
    }
    const { topic } = topicOf(record);
    const time = record.time ?? timestamp(clock.now());
    const message = announcer.take(record, topic, clock.now());
    if (message) {
      yield retained(message.topic, message.payload, time);
      log.debug('announced', { device: message.id });
    }
    const location = located ? locations.take(record, topic) : undefined;
    if (location) yield retained(location.topic, location.payload, time);
    yield record;
    if (message) {
      const key = objectId(message.id);
      await state.update((now) => ({ version: 1, devices: { ...now?.devices, [key]: announcer.devices[key]! } }));
    }
  }
}

/** The key of the device that somebody means by `id`: the one that has it, or the only one that has it in other letters' case. */
function keyOf(id: string, devices: KnownDevices): string {
  const key = objectId(id);
  if (devices[key]) return key;
  const alike = Object.keys(devices).filter((other) => other.toLowerCase() === key.toLowerCase());
  return alike.length === 1 ? alike[0]! : objectId(inCapitals(id));
}

/** Empty retained messages in the place of what was announced, and of retained states. */
async function* remove(ctx: Ctx, state: State<Saved>): AsyncGenerator<VoltRecord> {
  const { args, opts, clock, log } = ctx;
  const devices = (await state.read())?.devices ?? {};
  const named = new Map(args.map((id) => [keyOf(id, devices), id]));
  const keys = args.length > 0 ? [...named.keys()] : Object.keys(devices);
  const time = timestamp(clock.now());
  for (const key of keys) {
    const known = devices[key];
    if (!known)
      log.warn('a device is not known here; its discovery message is emptied all the same', { device: named.get(key) });
    yield retained(configTopic(opts.discoveryPrefix, known?.id ?? inCapitals(named.get(key)!)), '', time);
    for (const [type, topic] of Object.entries(known?.topics ?? {})) {
      if (ruleOf(type).retain) yield retained(topic, '', time);
      if (known?.fields.includes(`${type}.lat`)) yield retained(locationTopic(topic), '', time);
    }
    for (const topic of Object.values(known?.alarms ?? {})) yield retained(topic, '', time);
  }
  await state.update((now) => ({
    version: 1,
    devices: Object.fromEntries(Object.entries(now?.devices ?? {}).filter(([key]) => !keys.includes(key))),
  }));
  const count = keys.filter((key) => devices[key]).length;
  log.info(`${counted(count, 'device')} taken out`);
}
