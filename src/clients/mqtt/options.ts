import { fail } from '../../runtime/exit.ts';
import type { Options } from '../../runtime/options.ts';
import { userNameOf, userNameOptions } from '../../runtime/user-name.ts';
import type { MqttOptions } from '../../transports/mqtt/client.ts';
import { checkIdentity, readPem } from '../../transports/tls.ts';

/** How the broker of the home is reached: the section `mqtt` of the configuration. */
export const brokerOptions = {
  url: {
    type: 'url',
    key: 'mqtt.url',
    summary: 'address of the broker: mqtt://HOST, mqtts://HOST for TLS, ws://HOST/PATH, wss://HOST/PATH',
  },
  broker: {
    type: 'string',
    configOnly: true,
    key: 'mqtt.broker',
    env: ['BATTERYHAWK_MQTT_BROKER'],
    default: 'localhost',
    summary: 'host of the broker, where mqtt.url does not name it',
  },
  brokerPort: {
    type: 'integer',
    configOnly: true,
    key: 'mqtt.port',
    env: ['BATTERYHAWK_MQTT_PORT'],
    default: 1883,
    min: 1,
    max: 65_535,
    summary: 'port of the broker, beside mqtt.broker; with 8883 TLS is spoken',
  },
  enabled: {
    type: 'flag',
    configOnly: true,
    key: 'mqtt.enabled',
    env: ['BATTERYHAWK_MQTT_ENABLED'],
    summary: 'counts for nothing here: a pipeline with mqtt-pub in it publishes, one without does not',
  },
  ...userNameOptions('mqtt.username', 'user name', ['BATTERYHAWK_MQTT_USERNAME']),
  password: { type: 'secret', key: 'mqtt.password', env: ['BATTERYHAWK_MQTT_PASSWORD'], summary: 'password' },
  clientId: { type: 'string', key: 'mqtt.clientId', value: 'ID', summary: 'client id; a random one unless given' },
  mqttVersion: {
    type: 'choice',
    choices: ['auto', '4', '5'],
    default: 'auto',
    key: 'mqtt.version',
    rare: true,
    summary: 'protocol level: 4 is MQTT 3.1.1, 5 is MQTT 5; auto: 5, or 4 where the broker knows nothing newer',
  },
  ca: { type: 'file', key: 'mqtt.ca', summary: 'certificates (PEM) to trust instead of the built-in ones' },
  cert: { type: 'file', key: 'mqtt.cert', summary: 'our own certificate (PEM), for a broker that asks for one' },
  certKey: { type: 'file', key: 'mqtt.certKey', summary: 'the private key (PEM) of that certificate' },
} as const satisfies Options;

/** Option values of {@link brokerOptions}. */
interface BrokerValues {
  url: string | undefined;
  broker: string;
  brokerPort: number;
  user: string | undefined;
  clientId: string | undefined;
  mqttVersion: 'auto' | '4' | '5';
  ca: string | undefined;
  cert: string | undefined;
  certKey: string | undefined;
}

/** The address of the broker, as it may be shown. */
export function brokerUrl({ url, broker, brokerPort }: Pick<BrokerValues, 'url' | 'broker' | 'brokerPort'>): string {
  if (url !== undefined) return url;
  const host = broker.includes(':') && !broker.startsWith('[') ? `[${broker}]` : broker;
  return `${brokerPort === 8883 ? 'mqtts' : 'mqtt'}://${host}:${brokerPort}`;
}

/** What no single option can check: a login in the address, half a client certificate. Throws a usage or configuration error. */
export function checkBroker(opts: Record<string, unknown>): void {
  const { url, cert, certKey } = opts as Partial<BrokerValues>;
  if (url !== undefined) {
    const { protocol, username, password } = new URL(url);
    if (!/^(mqtts?|wss?):$/.test(protocol)) {
      throw fail('config', `mqtt.url ${protocol}//…: not the address of a broker`, 'Use mqtt://HOST or mqtts://HOST.');
    }
    if (username || password) {
      throw fail(
        'config',
        'mqtt.url: holds a user name or a password',
        'Give them with --username and --password-file.',
      );
    }
  }
  if ((cert === undefined) !== (certKey === undefined)) {
    throw fail('config', 'mqtt.cert and mqtt.certKey: one without the other', 'A client certificate needs its key.');
  }
}

/** What a command needs to connect: option values and secrets made ready. */
export interface Broker {
  connect: Pick<MqttOptions, 'url' | 'username' | 'password' | 'clientId' | 'ca' | 'cert' | 'key'>;
  version: 'auto' | 4 | 5;
}

/** Reads secrets and certificates. Throws exit status 78 when one that was named is not there, or can't be used. */
export async function openBroker(ctx: {
  opts: BrokerValues;
  secret(name: 'username' | 'password'): Promise<string | undefined>;
}): Promise<Broker> {
  const { opts } = ctx;
  const [username, password] = await Promise.all([userNameOf(ctx), ctx.secret('password')]);
  const pems = {
    ca: readPem(opts.ca, 'mqtt.ca'),
    cert: readPem(opts.cert, 'mqtt.cert'),
    key: readPem(opts.certKey, 'mqtt.certKey'),
  };
  await checkIdentity(pems, 'mqtt.cert and mqtt.certKey');
  return {
    connect: {
      url: brokerUrl(opts),
      username,
      password,
      clientId: opts.clientId,
      ...pems,
    },
    version: opts.mqttVersion === 'auto' ? 'auto' : opts.mqttVersion === '5' ? 5 : 4,
  };
}

/** Where records go: read by mqtt-pub, and by ha-discovery, which tells Home Assistant. */
export const topicOptions = {
  prefix: {
    type: 'string',
    key: 'mqtt.topic_prefix',
    env: ['BATTERYHAWK_MQTT_TOPIC_PREFIX'],
    default: 'voltpipe',
    summary: 'first level of every topic',
  },
  instance: {
    type: 'string',
    key: 'mqtt.instance',
    value: 'NAME',
    default: 'system',
    summary: 'name of this pipeline, in the topic {prefix}/{instance}/status of birth and last will',
  },
  status: {
    type: 'flag',
    default: true,
    key: 'mqtt.status',
    summary: 'say online at the start, offline at the end, and leave offline as the last will',
  },
  topic: {
    type: 'string',
    repeatable: true,
    key: 'mqtt.topics',
    value: '[TYPE=]TEMPLATE',
    summary: 'topic for records of this type, or of all: voltpipe/{device_id}/{type}',
  },
} as const satisfies Options;
