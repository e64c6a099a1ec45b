import type { Options } from '../runtime/options.ts';

/** The name in the environment that the requirement fixes for a key of system.json (HAWK-121): `mqtt.port` → `BATTERYHAWK_MQTT_PORT`. */
export const batteryHawkName = (key: string): string => `BATTERYHAWK_${key.replaceAll('.', '_').toUpperCase()}`;

const named = <K extends string>(key: K) => ({ key, env: [batteryHawkName(key)], configOnly: true as const });

/**
 * The keys of the requirement's system.json with their built-in defaults, for the commands that read them: spread what is needed into
 * `options`, `{ ...systemOptions.bluetooth }`, or take a single one and give it a flag with `configOnly: false`. The section `logging`
 * is among the options of every command already.
 */
export const systemOptions = {
  discovery: {
    initialScan: {
      ...named('discovery.initial_scan'),
      type: 'flag',
      default: true,
      summary: 'look for devices at the start',
    },
    periodicInterval: {
      ...named('discovery.periodic_interval'),
      type: 'duration',
      default: 43_200_000,
      summary: 'time from one search for devices to the next; 0: none',
    },
    scanDuration: {
      ...named('discovery.scan_duration'),
      type: 'duration',
      default: 10_000,
      summary: 'how long a search for devices takes',
    },
  },
  bluetooth: {
    maxConnections: {
      ...named('bluetooth.max_concurrent_connections'),
      type: 'integer',
      min: 1,
      default: 1,
      summary: 'devices that are read at the same time; the others wait in order',
    },
    connectionTimeout: {
      ...named('bluetooth.connection_timeout'),
      type: 'duration',
      default: 30_000,
      summary: 'time to reach a device over Bluetooth',
    },
  },
} as const satisfies Record<string, Options>;

/** The sections that belong to other commands of the toolkit; the registry shows them. */
export const furtherOptions = {
  influxEnabled: { ...named('influxdb.enabled'), type: 'flag', default: true, summary: 'readings go to InfluxDB' },
  influxHost: { ...named('influxdb.host'), type: 'string', default: 'localhost', summary: 'host of InfluxDB' },
  influxPort: { ...named('influxdb.port'), type: 'integer', default: 8086, summary: 'port of InfluxDB' },
  influxDatabase: { ...named('influxdb.database'), type: 'string', summary: 'database of InfluxDB' },
  influxUsername: { ...named('influxdb.username'), type: 'secret', open: true, summary: 'user at InfluxDB' },
  influxPassword: { ...named('influxdb.password'), type: 'secret', summary: 'password at InfluxDB' },
  apiPort: { ...named('api.port'), type: 'integer', default: 5000, summary: 'port of the API' },
  apiHost: { ...named('api.host'), type: 'string', summary: 'address that the API listens on' },
  mqttEnabled: { ...named('mqtt.enabled'), type: 'flag', summary: 'records go to the MQTT broker' },
  mqttBroker: { ...named('mqtt.broker'), type: 'string', default: 'localhost', summary: 'host of the MQTT broker' },
  mqttPort: { ...named('mqtt.port'), type: 'integer', default: 1883, summary: 'port of the MQTT broker' },
  mqttTopicPrefix: {
    ...named('mqtt.topic_prefix'),
    type: 'string',
    default: 'voltpipe',
    summary: 'first part of every MQTT topic',
  },
} as const satisfies Options;
