/** HCI packets as they travel over a UART: one byte says what follows. Source: Bluetooth Core Specification, volume 4 part A. */
export type Packet =
  | { kind: 'command'; opcode: number; parameters: Buffer }
  | { kind: 'acl'; handle: number; start: boolean; data: Buffer };

const command = 0x01;
const acl = 0x02;
const event = 0x04;
const aclContinued = 1;

/** Cuts host packets out of a byte stream; a byte that begins none is skipped. */
export function h4Parser(): (bytes: Uint8Array) => Packet[] {
  let pending: Buffer = Buffer.alloc(0);

  /** The next packet and how many bytes it took; 0 when there is not enough. */
  const next = (): { packet?: Packet; size: number } => {
    if (pending[0] === command) {
      if (pending.length < 4) return { size: 0 };
      const size = 4 + pending[3]!;
      if (pending.length < size) return { size: 0 };
      const parameters = Buffer.from(pending.subarray(4, size));
      return { packet: { kind: 'command', opcode: pending.readUInt16LE(1), parameters }, size };
    }
    if (pending[0] === acl) {
      if (pending.length < 5) return { size: 0 };
      const size = 5 + pending.readUInt16LE(3);
      if (pending.length < size) return { size: 0 };
      const head = pending.readUInt16LE(1);
      const data = Buffer.from(pending.subarray(5, size));
      return {
        packet: { kind: 'acl', handle: head & 0x0fff, start: ((head >> 12) & 3) !== aclContinued, data },
        size,
      };
    }
    return { size: 1 };
  };

  return (bytes) => {
    pending = Buffer.concat([pending, bytes]);
    const packets: Packet[] = [];
    while (pending.length > 0) {
      const { packet, size } = next();
      if (size === 0) break;
      if (packet) packets.push(packet);
      pending = pending.subarray(size);
    }
    return packets;
  };
}

/** An event packet. */
export function eventPacket(code: number, parameters: Uint8Array): Buffer {
  return Buffer.concat([Uint8Array.of(event, code, parameters.length), parameters]);
}

/** Flags of an ACL packet to the host: the first of a message, or one that goes on. */
const toHost = { first: 2, continued: aclContinued } as const;

/** A message to the host, in ACL packets of at most `size` bytes. */
export function aclPackets(handle: number, message: Uint8Array, size: number): Buffer[] {
  const packets: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size);
    const head = Buffer.alloc(5);
    head[0] = acl;
    head.writeUInt16LE(handle | ((at === 0 ? toHost.first : toHost.continued) << 12), 1);
    head.writeUInt16LE(part.length, 3);
    packets.push(Buffer.concat([head, part]));
  }
  return packets;
}
