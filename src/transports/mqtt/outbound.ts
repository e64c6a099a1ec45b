import type { MqttClient } from 'mqtt';
import { failureCode } from './failure.ts';
import type { MessageIds } from './message-ids.ts';
import { type Outgoing, puback, roomFor, writePublish } from './packets.ts';

/** Told what became of a message: 0 when the broker has it, its reason code from 128 on when it refused. */
export type Settle<M extends Outgoing> = (message: M, code: number) => void;

/** The sending side of a connection, made for many messages a second. */
export interface Outbound {
  /**
   * Sends a message; all that is sent in one turn of the event loop leaves in one write. `settle` is called when the broker has
   * acknowledged it (QoS 1, 2) or the socket has taken it (QoS 0), and never when the connection ends first. False: all 65535
   * packet identifiers are under way; nothing was sent.
   */
  post<M extends Outgoing>(message: M, settle: Settle<M>): boolean;
  /** Acknowledges a message of QoS 1 that came in. */
  acknowledge(id: number): void;
  /** Hands what waits to the socket now. */
  flush(): void;
}

const batchBytes = 64 * 1024;

interface Pending {
  message: Outgoing;
  settle: Settle<never>;
}

/**
 * Writes PUBLISH packets beside mqtt.js, which does one write, one store entry and several objects a message: two to three
 * times slower. QoS 2, with its four packets, is left to it.
 */
export function createOutbound(client: MqttClient, ids: MessageIds, version: 4 | 5): Outbound {
  const unacknowledged = new Map<number, Pending>();
  let batch: Buffer = Buffer.allocUnsafe(batchBytes);
  let used = 0;
  /** Buffers that the socket is done with; fresh ones for each write would pile up faster than they are collected. */
  const spare: Buffer[] = [];
  let unconfirmed: Pending[] = [];
  let scheduled = false;

  const settled = ({ message, settle }: Pending, code: number): void => (settle as Settle<Outgoing>)(message, code);

  client.on('packetreceive', (packet) => {
    if (packet.cmd !== 'puback') return;
    const id = packet.messageId ?? 0;
    const pending = unacknowledged.get(id);
    if (!pending) return;
    unacknowledged.delete(id);
    ids.deallocate(id);
    const code = packet.reasonCode ?? 0;
    settled(pending, code >= failureCode ? code : 0);
  });

  const flush = (): void => {
    scheduled = false;
    if (used === 0) return;
    const taken = unconfirmed;
    unconfirmed = [];
    const sent = batch;
    const bytes = batch.subarray(0, used);
    batch = spare.pop() ?? Buffer.allocUnsafe(batchBytes);
    used = 0;
    client.stream.write(bytes, (error) => {
      if (error) return;
      if (sent.length === batchBytes) spare.push(sent);
      for (const pending of taken) settled(pending, 0);
    });
  };

  /** Makes sure that `bytes` fit behind what is there. */
  const reserve = (bytes: number): void => {
    if (used + bytes > batch.length) flush();
    if (bytes > batch.length) batch = Buffer.allocUnsafe(bytes);
    if (scheduled) return;
    scheduled = true;
    setImmediate(flush);
  };

  return {
    post(message, settle) {
      const pending = { message, settle: settle as Settle<never> };
      if (message.qos === 2) {
        flush();
        const { topic, payload, qos, retain } = message;
        client.publish(topic, payload, { qos, retain }, (error) => {
          const { code } = (error ?? {}) as { code?: unknown };
          if (!error) settled(pending, 0);
          else if (client.connected) settled(pending, typeof code === 'number' ? code : failureCode);
        });
        return true;
      }
      let id = 0;
      if (message.qos === 1) {
        const free = ids.allocate();
        if (free === null) return false;
        id = free;
        unacknowledged.set(id, pending);
      }
      reserve(roomFor(message));
      if (message.qos === 0) unconfirmed.push(pending);
      used = writePublish(batch, used, message, id, version);
      return true;
    },
    acknowledge(id) {
      const bytes = puback(id);
      reserve(bytes.length);
      used += bytes.copy(batch, used);
    },
    flush,
  };
}
