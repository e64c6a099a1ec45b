/*
 * PUBLISH (MQTT 3.1.1 section 3.3, MQTT 5 section 3.3):
 *
 *   byte 1        0011 d qq r     d: sent before, qq: QoS, r: retain
 *   1 to 4 bytes  length of the rest, seven bits a byte, the lowest first, bit 8 says that more follow
 *   2 bytes + n   topic, with its length before it
 *   2 bytes       packet identifier, with QoS 1 and 2 alone
 *   1 byte        length of the properties, with MQTT 5 alone: 0
 *   the rest      payload
 *
 * PUBACK: 0x40, 2, packet identifier; in MQTT 5 the reason code may be left out when it is 0.
 */

/** A message to send. */
export interface Outgoing {
  readonly topic: string;
  readonly payload: string | Buffer;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
}

/** Bytes of the longest head before topic and payload: type, length, topic length, identifier, properties. */
export const headBytes = 10;

/** Upper bound of a message's bytes on the wire; cheap, since it counts three bytes for each UTF-16 unit. */
export const roomFor = ({ topic, payload }: Outgoing): number =>
  headBytes + 3 * topic.length + (typeof payload === 'string' ? 3 * payload.length : payload.length);

/** Bytes of a PUBLISH of MQTT 5. */
export function publishBytes({ topic, payload, qos }: Outgoing): number {
  const rest = 2 + Buffer.byteLength(topic) + (qos > 0 ? 2 : 0) + 1 + Buffer.byteLength(payload);
  return 1 + (rest < 0x80 ? 1 : rest < 0x4000 ? 2 : rest < 0x20_0000 ? 3 : 4) + rest;
}

/**
 * Writes a PUBLISH of QoS 0 or 1 at `at`, where {@link roomFor} bytes are free. Returns the offset after it.
 *
 * @param id packet identifier, for QoS 1
 */
export function writePublish(into: Buffer, at: number, message: Outgoing, id: number, version: 4 | 5): number {
  const { topic, payload, qos, retain } = message;
  const topicBytes = Buffer.byteLength(topic);
  const payloadBytes = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length;
  const extra = (qos > 0 ? 2 : 0) + (version === 5 ? 1 : 0);
  let offset = at;
  into[offset++] = 0x30 | (qos << 1) | (retain ? 1 : 0);
  let rest = 2 + topicBytes + extra + payloadBytes;
  do {
    const more = rest >= 0x80;
    into[offset++] = (rest & 0x7f) | (more ? 0x80 : 0);
    rest >>>= 7;
  } while (rest > 0);
  offset = into.writeUInt16BE(topicBytes, offset);
  offset += into.write(topic, offset);
  if (qos > 0) offset = into.writeUInt16BE(id, offset);
  if (version === 5) into[offset++] = 0;
  if (typeof payload === 'string') return offset + into.write(payload, offset);
  return offset + payload.copy(into, offset);
}

/** A PUBACK that says yes. */
export const puback = (id: number): Buffer => Buffer.from([0x40, 2, id >> 8, id & 0xff]);
