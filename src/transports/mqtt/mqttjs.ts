import type { IClientOptions, MqttClient } from 'mqtt';
import type { MqttOptions } from './client.ts';
import { explainMqtt, failureCodes } from './failure.ts';
import type { MessageIds } from './message-ids.ts';

/** The client of mqtt.js that begins to connect. mqtt.js is loaded by the first call. Rejects with MqttFailure. */
export async function openClient(options: MqttOptions, messageIdProvider: MessageIds): Promise<MqttClient> {
  const { connect } = await import('mqtt');
  await takeEveryRefusal();
  try {
    return connect(options.url, { ...mqttjsOptions(options), messageIdProvider });
  } catch (error) {
    // A certificate that can't be used is thrown, everything else comes as an event.
    throw explainMqtt(error);
  }
}

/**
 * Lets PUBACK and PUBREC refuse a message with any code. mqtt-packet takes those alone that the standard has for them, and the
 * connection is cut on any other: mosquitto says 149 for a message beyond its `message_size_limit`.
 */
async function takeEveryRefusal(): Promise<void> {
  const { MQTT5_PUBACK_PUBREC_CODES: known } = (await import('mqtt-packet/constants.js')).default;
  for (const [code, reason] of failureCodes) known[code] ??= reason;
}

function mqttjsOptions(options: MqttOptions): IClientOptions {
  const { username, password, clientId, ca, cert, key, minVersion, will } = options;
  return {
    protocolVersion: options.version ?? 4,
    keepalive: options.keepalive ?? 60,
    clean: options.clean ?? true,
    connectTimeout: options.timeoutMs ?? 20_000,
    // Its own reconnecting would offer the old password again and again.
    reconnectPeriod: 0,
    resubscribe: false,
    // The cache of every packet length costs 10 ms with the first packet, and saves next to nothing later.
    writeCache: false,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(clientId !== undefined && { clientId }),
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(minVersion !== undefined && { minVersion }),
    ...(will && { will: { ...will, payload: Buffer.from(will.payload) } }),
    ...(options.version === 5 && { properties: connectProperties(options) }),
  };
}

const connectProperties = ({ sessionExpiry, receiveMaximum }: MqttOptions): IClientOptions['properties'] & {} => ({
  ...(sessionExpiry !== undefined && { sessionExpiryInterval: sessionExpiry }),
  ...(receiveMaximum !== undefined && { receiveMaximum }),
});
