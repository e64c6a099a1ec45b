import { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { generate, type Packet, parser } from 'mqtt-packet';

/** What the return codes of a CONNACK are called in MQTT 5. */
const reasonCodes: Readonly<Record<number, number>> = { 0: 0, 1: 132, 2: 133, 3: 136, 4: 134, 5: 135 };

/** A packet of the client as MQTT 3.1.1 has it: without properties. */
function toOld(packet: Packet): Packet {
  const { properties: _, ...plain } = packet as Packet & { properties?: unknown };
  if (plain.cmd === 'connect') {
    const { will: _will, ...connect } = plain;
    return { ...connect, protocolVersion: 4 };
  }
  if (plain.cmd === 'subscribe') {
    return { ...plain, subscriptions: plain.subscriptions.map(({ topic, qos }) => ({ topic, qos })) };
  }
  return plain;
}

/** A packet of the broker as MQTT 5 has it. `topics`: how many filters the answer to an UNSUBSCRIBE is about. */
function toNew(packet: Packet, topics: number): Packet {
  if (packet.cmd === 'connack') {
    const { sessionPresent, returnCode = 0 } = packet;
    return { cmd: 'connack', sessionPresent, reasonCode: reasonCodes[returnCode] ?? 128 };
  }
  // 0x80 of 3.1.1 is any failure; BMW's broker says 0x87, not authorised.
  if (packet.cmd === 'suback') {
    const granted = (packet.granted as number[]).map((code) => (code === 0x80 ? 0x87 : code));
    return { ...packet, granted };
  }
  if (packet.cmd === 'unsuback') return { ...packet, granted: Array.from({ length: topics }, () => 0) };
  return packet;
}

/**
 * Lets a client of MQTT 5 talk to a broker of MQTT 3.1.1: the stream that is returned carries the same conversation in the old
 * version. Enough for a subscriber without properties, which is all that BMW's broker serves.
 */
export function mqtt5(socket: TLSSocket): Duplex {
  const fromClient = parser({ protocolVersion: 5 });
  const fromBroker = parser({ protocolVersion: 4 });
  let topics = 0;
  const inner = new Duplex({
    read: () => void socket.resume(),
    write(chunk: Buffer, _encoding, done) {
      fromBroker.parse(chunk);
      done();
    },
    final(done) {
      socket.end(done);
    },
    destroy(error, done) {
      socket.destroySoon();
      done(error);
    },
  });
  fromClient.on('packet', (packet: Packet) => {
    if (packet.cmd === 'unsubscribe') topics = packet.unsubscriptions.length;
    if (!inner.push(generate(toOld(packet), { protocolVersion: 4 }))) socket.pause();
  });
  fromBroker.on('packet', (packet: Packet) => {
    if (!socket.destroyed) socket.write(generate(toNew(packet, topics), { protocolVersion: 5 }));
  });
  for (const half of [fromClient, fromBroker]) half.on('error', (error) => inner.destroy(error));
  socket.on('data', (chunk) => fromClient.parse(chunk));
  socket.once('end', () => inner.push(null));
  socket.once('close', () => inner.destroy());
  return inner;
}
