import type { MqttClient } from 'mqtt';
import { systemClock } from '../../runtime/clock.ts';
import type { MqttOptions } from './client.ts';
import type { Outbound } from './outbound.ts';

/**
 * Makes what mqtt.js calls with each message: it hands the message on, and waits for whoever takes it before the next one is read.
 */
export function inbound(
  client: MqttClient,
  outbound: Outbound,
  options: MqttOptions,
  onMessage: NonNullable<MqttOptions['onMessage']>,
): MqttClient['handleMessage'] {
  /** Messages of QoS 1 that we acknowledge ourselves. */
  const own = new WeakSet<object>();
  if (options.manualAck) {
    client.on('packetreceive', (packet) => {
      if (packet.cmd !== 'publish' || packet.qos !== 1) return;
      own.add(packet);
      // mqtt.js reads nothing more until what it acknowledges itself is done with; QoS 0 it just hands over.
      packet.qos = 0;
    });
  }
  return (packet, done) => {
    const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload;
    const { topic, qos, retain, messageId = 0 } = packet;
    const taken = onMessage(
      own.has(packet)
        ? { topic, payload, qos: 1, retain, acknowledge: () => outbound.acknowledge(messageId) }
        : { topic, payload, qos, retain },
    );
    if (!taken) return done();
    const relax = keepAlive(client, options);
    taken.then(() => done(), done).finally(relax);
  };
}

/** While a message waits to be taken, the broker's answers behind it can't be read: pings go on, and nobody misses the answers. */
function keepAlive(client: MqttClient, { clock = systemClock, keepalive = 60 }: MqttOptions): () => void {
  if (keepalive === 0) return () => {};
  const again = (): (() => void) =>
    clock.after((keepalive * 1000) / 2, () => {
      if (!client.connected) return;
      client.sendPing();
      client.reschedulePing(true);
      cancel = again();
    });
  let cancel = again();
  return () => cancel();
}
