import type { Characteristic, Peripheral, PeripheralLink } from './peripheral.ts';

/*
 * The GATT server of a virtual peripheral: the requests that noble sends, answered as its parser expects them (Bluetooth Core
 * Specification, volume 3 parts F and G). UUIDs are of 16 bits.
 */

const op = {
  error: 0x01,
  mtu: 0x02,
  findInformation: 0x04,
  readByType: 0x08,
  read: 0x0a,
  readBlob: 0x0c,
  readByGroup: 0x10,
  write: 0x12,
  prepareWrite: 0x16,
  executeWrite: 0x18,
  notify: 0x1b,
  writeCommand: 0x52,
} as const;

const declared = { primaryService: 0x2800, characteristic: 0x2803, configuration: 0x2902 } as const;
const notFound = 0x0a;
const invalidHandle = 0x01;
const notSupported = 0x06;
const propertyBits = { read: 0x02, writeWithoutResponse: 0x04, write: 0x08, notify: 0x10 } as const;
const defaultMtu = 23;
const ownMtu = 247;

interface Attribute {
  handle: number;
  type: number;
  value: Buffer;
  /** Of a service: its last handle. */
  end?: number;
  characteristic?: Characteristic;
}

const u16 = (value: number): Buffer => Buffer.from([value & 0xff, value >> 8]);

/** The attribute table of a peripheral. */
function attributesOf({ services, faults }: Peripheral): Attribute[] {
  const table: Attribute[] = [];
  const add = (type: number, value: Buffer, more: Partial<Attribute> = {}): Attribute => {
    const attribute = { handle: table.length + 1, type, value, ...more };
    table.push(attribute);
    return attribute;
  };
  for (const { uuid, characteristics } of services) {
    const service = add(declared.primaryService, u16(uuid));
    for (const characteristic of characteristics) {
      const bits = characteristic.properties.reduce((sum, name) => sum | propertyBits[name], 0);
      add(
        declared.characteristic,
        Buffer.concat([Uint8Array.of(bits), u16(table.length + 2), u16(characteristic.uuid)]),
      );
      add(characteristic.uuid, characteristic.value ?? Buffer.alloc(0), { characteristic });
      if (characteristic.properties.includes('notify') && !faults?.noConfiguration) {
        add(declared.configuration, Buffer.alloc(2), { characteristic });
      }
    }
    service.end = table.length;
  }
  return table;
}

/** One connection's server. */
export interface AttServer {
  /** Takes one request; the answers go through `send`. */
  request(message: Buffer): void;
  readonly link: PeripheralLink;
}

/**
 * Serves a peripheral's attributes to one host.
 *
 * @param send takes a message to the host
 * @param hangUp ends the connection from the peripheral's side
 */
export function attServer(peripheral: Peripheral, send: (message: Buffer) => void, hangUp: () => void): AttServer {
  const { faults = {} } = peripheral;
  const table = attributesOf(peripheral);
  const subscribed = new Set<number>();
  let mtu = defaultMtu;
  let notifications = 0;
  let writes = 0;
  let prepared: { handle: number; parts: Buffer[] } = { handle: 0, parts: [] };

  const answer = (message: Buffer): void => {
    if (!faults.mute) send(message);
  };
  const refuse = (request: number, handle: number, code: number): void =>
    answer(Buffer.concat([Uint8Array.of(op.error, request), u16(handle), Uint8Array.of(code)]));
  const at = (handle: number): Attribute | undefined => table[handle - 1];

  const link: PeripheralLink = {
    get room() {
      return mtu - 3;
    },
    notify(uuid, value) {
      if (faults.silent || !subscribed.has(uuid)) return;
      const target = table.find(({ type, characteristic }) => characteristic && type === uuid);
      if (!target) return;
      send(Buffer.concat([Uint8Array.of(op.notify), u16(target.handle), value]));
      notifications++;
      if (notifications === faults.disconnectAfter) hangUp();
    },
    disconnect: hangUp,
  };

  /** Entries of one length, as many as fit. */
  const list = (code: number, request: number, from: number, entries: readonly Buffer[]): void => {
    const size = entries[0]?.length ?? 0;
    const same = entries.slice(0, Math.floor((mtu - 2) / size)).filter((entry) => entry.length === size);
    if (size === 0) refuse(request, from, notFound);
    else answer(Buffer.concat([Uint8Array.of(code, size), ...same]));
  };

  const within = (from: number, to: number, type?: number): Attribute[] =>
    table.filter((one) => one.handle >= from && one.handle <= to && (type === undefined || one.type === type));

  /** A write has reached its attribute; false when it was refused. */
  const written = (handle: number, value: Buffer, request: number): boolean => {
    const attribute = at(handle);
    if (!attribute?.characteristic) {
      refuse(request, handle, invalidHandle);
      return false;
    }
    const { uuid } = attribute.characteristic;
    if (attribute.type === declared.configuration) {
      if (((value[0] ?? 0) & 1) === 0) subscribed.delete(uuid);
      else {
        subscribed.add(uuid);
        setImmediate(() => peripheral.onSubscribe?.(uuid, link));
      }
      return true;
    }
    if (faults.writeError !== undefined) {
      refuse(request, handle, faults.writeError);
      return false;
    }
    if (writes++ >= (faults.loseWrites ?? 0)) setImmediate(() => peripheral.onWrite?.(uuid, value, link));
    return true;
  };

  const handlers: Readonly<Record<number, (message: Buffer) => void>> = {
    [op.mtu](message) {
      const own = faults.mtu ?? ownMtu;
      answer(Buffer.concat([Uint8Array.of(op.mtu + 1), u16(own)]));
      mtu = Math.max(defaultMtu, Math.min(own, message.readUInt16LE(1)));
    },
    [op.readByGroup](message) {
      const from = message.readUInt16LE(1);
      if (faults.disconnectOnDiscovery) return hangUp();
      const services = within(from, message.readUInt16LE(3), message.readUInt16LE(5));
      const entries = services.map(({ handle, end, value }) => Buffer.concat([u16(handle), u16(end ?? handle), value]));
      list(op.readByGroup + 1, op.readByGroup, from, entries);
    },
    [op.readByType](message) {
      const from = message.readUInt16LE(1);
      const found = within(from, message.readUInt16LE(3), message.readUInt16LE(5));
      const entries = found.map(({ handle, value }) => Buffer.concat([u16(handle), value]));
      list(op.readByType + 1, op.readByType, from, entries);
    },
    [op.findInformation](message) {
      const from = message.readUInt16LE(1);
      const entries = within(from, message.readUInt16LE(3)).map(({ handle, type }) =>
        Buffer.concat([u16(handle), u16(type)]),
      );
      if (entries.length === 0) return refuse(op.findInformation, from, notFound);
      answer(Buffer.concat([Uint8Array.of(op.findInformation + 1, 1), ...entries.slice(0, Math.floor((mtu - 2) / 4))]));
    },
    [op.read](message) {
      const handle = message.readUInt16LE(1);
      const attribute = at(handle);
      if (!attribute) return refuse(op.read, handle, invalidHandle);
      answer(Buffer.concat([Uint8Array.of(op.read + 1), attribute.value.subarray(0, mtu - 1)]));
    },
    [op.readBlob](message) {
      const handle = message.readUInt16LE(1);
      const offset = message.readUInt16LE(3);
      const value = at(handle)?.value ?? Buffer.alloc(0);
      answer(Buffer.concat([Uint8Array.of(op.readBlob + 1), value.subarray(offset, offset + mtu - 1)]));
    },
    [op.write](message) {
      if (written(message.readUInt16LE(1), message.subarray(3), op.write)) answer(Buffer.from([op.write + 1]));
    },
    [op.writeCommand](message) {
      written(message.readUInt16LE(1), message.subarray(3), op.writeCommand);
    },
    [op.prepareWrite](message) {
      const handle = message.readUInt16LE(1);
      if (prepared.handle !== handle) prepared = { handle, parts: [] };
      prepared.parts.push(message.subarray(5));
      answer(Buffer.concat([Uint8Array.of(op.prepareWrite + 1), message.subarray(1)]));
    },
    [op.executeWrite](message) {
      const { handle, parts } = prepared;
      prepared = { handle: 0, parts: [] };
      if (message[1] === 1 && !written(handle, Buffer.concat(parts), op.executeWrite)) return;
      answer(Buffer.from([op.executeWrite + 1]));
    },
  };

  const shortest: Readonly<Record<number, number>> = {
    [op.mtu]: 3,
    [op.readByGroup]: 7,
    [op.readByType]: 7,
    [op.findInformation]: 5,
    [op.read]: 3,
    [op.readBlob]: 5,
    [op.write]: 3,
    [op.writeCommand]: 3,
    [op.prepareWrite]: 5,
    [op.executeWrite]: 2,
  };

  return {
    link,
    request(message) {
      const code = message[0] ?? 0;
      const handler = handlers[code];
      if (!handler || message.length < (shortest[code] ?? 1)) return refuse(code, 0, notSupported);
      handler(message);
    },
  };
}
