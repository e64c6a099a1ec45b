/** What a peripheral sends while nobody is connected. */
export interface Advertising {
  /** At most 31 bytes of AD structures. */
  data: Buffer;
  /** What it answers to an active scan. */
  scanResponse?: Buffer;
  connectable: boolean;
}

/** A connection as the peripheral sees it. */
export interface PeripheralLink {
  /** Sends a notification, if the host has subscribed to `uuid`. */
  notify(uuid: number, value: Uint8Array): void;
  /** Hangs up. */
  disconnect(): void;
  /** Largest value of one notification. */
  readonly room: number;
}

/** One characteristic; UUIDs of 16 bits. */
export interface Characteristic {
  uuid: number;
  properties: readonly ('read' | 'write' | 'writeWithoutResponse' | 'notify')[];
  value?: Buffer;
}

/** One service. */
export interface Service {
  uuid: number;
  characteristics: readonly Characteristic[];
}

/** What goes wrong with a peripheral, and how often (`times`, default always). */
export interface PeripheralFaults {
  /** It never answers a request to connect. */
  unreachable?: boolean;
  /** It advertises and takes no connection, as while a phone holds it. */
  busy?: boolean;
  /** It sends no ATT answer at all. */
  mute?: boolean;
  /** It sends no notifications. */
  silent?: boolean;
  /** Its notifying characteristics have no configuration descriptor. */
  noConfiguration?: boolean;
  /** Hangs up when so many notifications have gone out. */
  disconnectAfter?: number;
  /** Hangs up when the services are discovered. */
  disconnectOnDiscovery?: boolean;
  /** Answers writes with this ATT error. */
  writeError?: number;
  /** The first so many writes get no reaction, as of a module that wakes up. */
  loseWrites?: number;
  /** Its MTU (default 247). */
  mtu?: number;
  /** It goes on advertising old data in its scan response. */
  noScanResponse?: boolean;
}

/** A device around the virtual controller. */
export interface Peripheral {
  /** `50:54:7B:00:00:02` */
  address: string;
  random?: boolean;
  rssi?: number;
  advertise(): Advertising;
  services: readonly Service[];
  faults?: PeripheralFaults;
  /** A host has connected. */
  onConnect?(link: PeripheralLink): void;
  /** A host has subscribed to `uuid`. */
  onSubscribe?(uuid: number, link: PeripheralLink): void;
  /** A host has written. */
  onWrite?(uuid: number, value: Buffer, link: PeripheralLink): void;
  /** The connection is over. */
  onDisconnect?(): void;
}

/** One AD structure. */
const structure = (type: number, data: Uint8Array): Buffer =>
  Buffer.concat([Uint8Array.of(data.length + 1, type), data]);

/** The AD structures that devices of ours use. Source: Bluetooth Assigned Numbers, common data types. */
export const ad = {
  flags: (): Buffer => structure(0x01, Uint8Array.of(0x06)),
  name: (name: string): Buffer => structure(0x09, Buffer.from(name)),
  services(...uuids: readonly number[]): Buffer {
    const list = Buffer.alloc(uuids.length * 2);
    for (const [i, uuid] of uuids.entries()) list.writeUInt16LE(uuid, i * 2);
    return structure(0x03, list);
  },
  /** Company identifier included. */
  manufacturer: (data: Uint8Array): Buffer => structure(0xff, data),
} as const;
