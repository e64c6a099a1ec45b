import type { BrokerLimits } from '../../transports/mqtt/client.ts';
import { type Outgoing, publishBytes, roomFor } from '../../transports/mqtt/packets.ts';

/** The code with which the broker would refuse a message, as it has said beforehand: 149, packet too large; undefined: it may go. */
export const refusedBy = (message: Outgoing, { maximumPacketSize }: BrokerLimits): number | undefined =>
  roomFor(message) > maximumPacketSize && publishBytes(message) > maximumPacketSize ? 149 : undefined;

/** The message as the broker's limits allow it. */
export function fitted<M extends Outgoing>(message: M, limits: BrokerLimits): Outgoing {
  const qos = Math.min(message.qos, limits.maximumQos) as 0 | 1 | 2;
  const retain = message.retain && limits.retainAvailable;
  if (qos === message.qos && retain === message.retain) return message;
  return { topic: message.topic, payload: message.payload, qos, retain };
}
