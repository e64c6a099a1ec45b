import type { Clock } from '../../runtime/clock.ts';
import { type AttServer, attServer } from './att-server.ts';
import { aclPackets, eventPacket, h4Parser, type Packet } from './h4.ts';
import type { Peripheral } from './peripheral.ts';

/*
 * A Bluetooth controller as a host sees it over a UART, with peripherals around it: enough of HCI (Bluetooth Core Specification,
 * volume 4 part E) for both forks of noble, and as strict as real ones: no connection while it scans, one attempt at a time.
 */

const opcodes = {
  disconnect: 0x0406,
  reset: 0x0c03,
  readHostSupport: 0x0c6c,
  readVersion: 0x1001,
  readAddress: 0x1009,
  readBufferSize: 0x2002,
  readFeatures: 0x2003,
  scanParameters: 0x200b,
  scanEnable: 0x200c,
  createConnection: 0x200d,
  cancelConnection: 0x200e,
} as const;

const events = { disconnected: 0x05, complete: 0x0e, status: 0x0f, completedPackets: 0x13, le: 0x3e } as const;
const le = { connected: 0x01, report: 0x02 } as const;
const reports = { connectable: 0x00, notConnectable: 0x03, scanResponse: 0x04 } as const;
const ok = 0x00;
const unknownConnection = 0x02;
const disallowed = 0x0c;
const reasons = { supervisionTimeout: 0x08, byPeer: 0x13, byHost: 0x16 } as const;
const attChannel = 4;
/** Size and number of the ACL buffers: the smallest that the specification allows, so that messages come in pieces. */
const buffers = { size: 27, number: 4 } as const;
const ownAddress = 'C0:FF:EE:00:00:01';
/** Reports are dropped, as real controllers do, while so many bytes wait for the host. */
const backlog = 32 * 1024;

const reversed = (address: string): Buffer => Buffer.from(address.replaceAll(':', ''), 'hex').reverse();

/** What the controller is doing: proof that a host left nothing on. */
export interface ControllerState {
  readonly scanning: boolean;
  /** A request to connect waits for its peripheral. */
  readonly connecting: boolean;
  /** Addresses of the peripherals that are connected. */
  readonly connections: readonly string[];
}

/** Something that happened. */
export interface ControllerEvent {
  event: 'reset' | 'scan_started' | 'scan_stopped' | 'connected' | 'disconnected';
  address?: string;
}

/** How it is set up. */
export interface ControllerOptions {
  peripherals: readonly Peripheral[];
  clock: Clock;
  /** Milliseconds between two advertisements of a peripheral. */
  interval?: number;
  /** Milliseconds until a connection stands. */
  latency?: number;
  /** It takes what comes and answers nothing. */
  mute?: boolean;
  onEvent?: (event: ControllerEvent) => void;
}

/** A virtual controller. */
export interface Controller {
  readonly state: ControllerState;
  /** Where its packets go; `waiting` tells how many bytes the host has not taken yet. */
  attach(write: (packet: Buffer) => void, waiting: () => number): void;
  /** Bytes from the host. */
  receive(bytes: Uint8Array): void;
  /** Drops the connection of a peripheral as if it were out of reach. */
  drop(address: string): void;
  close(): void;
}

interface Connection {
  handle: number;
  peripheral: Peripheral;
  server: AttServer;
  /** The message that comes in pieces. */
  incoming: Buffer;
}

/** Makes a controller; nothing goes out before {@link Controller.attach}. */
export function createController(options: ControllerOptions): Controller {
  const { peripherals, clock, interval = 100, latency = 5, onEvent = () => {} } = options;
  const connections = new Map<number, Connection>();
  const parse = h4Parser();
  let write: (packet: Buffer) => void = () => {};
  let waiting: () => number = () => 0;
  let scanning = false;
  let wanted: { address: string; cancel: () => void } | undefined;
  let nextHandle = 0x40;
  let stopAdvertising = (): void => {};

  const emit = (code: number, ...parameters: (number | Uint8Array)[]): void =>
    write(
      eventPacket(code, Buffer.concat(parameters.map((one) => (typeof one === 'number' ? Uint8Array.of(one) : one)))),
    );
  const word = (value: number): Uint8Array => Uint8Array.of(value & 0xff, value >> 8);
  const complete = (opcode: number, ...parameters: (number | Uint8Array)[]): void =>
    emit(events.complete, 1, word(opcode), ...parameters);
  const status = (opcode: number, code: number): void => emit(events.status, code, 1, word(opcode));
  const isConnected = (peripheral: Peripheral): boolean =>
    [...connections.values()].some((connection) => connection.peripheral === peripheral);

  const report = (peripheral: Peripheral, type: number, data: Uint8Array): void =>
    emit(
      events.le,
      le.report,
      1,
      type,
      peripheral.random ? 1 : 0,
      reversed(peripheral.address),
      data.length,
      data,
      (peripheral.rssi ?? -60) & 0xff,
    );

  const advertise = (): void => {
    stopAdvertising = clock.after(interval, advertise, { idle: true });
    for (const peripheral of peripherals) {
      if (isConnected(peripheral) || waiting() > backlog) continue;
      const { data, scanResponse, connectable } = peripheral.advertise();
      const open = connectable && !peripheral.faults?.busy;
      report(peripheral, open ? reports.connectable : reports.notConnectable, data);
      if (scanResponse && !peripheral.faults?.noScanResponse) report(peripheral, reports.scanResponse, scanResponse);
    }
  };

  const setScanning = (on: boolean): void => {
    if (on === scanning) return;
    scanning = on;
    stopAdvertising();
    if (on) stopAdvertising = clock.after(1, advertise, { idle: true });
    onEvent({ event: on ? 'scan_started' : 'scan_stopped' });
  };

  const ended = (connection: Connection, reason: number): void => {
    if (!connections.delete(connection.handle)) return;
    connection.peripheral.onDisconnect?.();
    emit(events.disconnected, ok, word(connection.handle), reason);
    onEvent({ event: 'disconnected', address: connection.peripheral.address });
  };

  const connect = (peripheral: Peripheral): void => {
    wanted = undefined;
    const handle = nextHandle++;
    const send = (message: Buffer): void => {
      const framed = Buffer.concat([word(message.length), word(attChannel), message]);
      if (connections.has(handle)) for (const packet of aclPackets(handle, framed, buffers.size)) write(packet);
    };
    const hangUp = (): void => {
      const connection = connections.get(handle);
      if (connection) ended(connection, reasons.byPeer);
    };
    const server = attServer(peripheral, send, hangUp);
    connections.set(handle, { handle, peripheral, server, incoming: Buffer.alloc(0) });
    const type = peripheral.random ? 1 : 0;
    const parameters = [word(0x12), word(0), word(0x2a)];
    emit(events.le, le.connected, ok, word(handle), 0, type, reversed(peripheral.address), ...parameters, 0);
    onEvent({ event: 'connected', address: peripheral.address });
    peripheral.onConnect?.(server.link);
  };

  const create = (parameters: Buffer): void => {
    const refused = scanning || wanted !== undefined;
    status(opcodes.createConnection, refused ? disallowed : ok);
    if (refused) return;
    const address = Buffer.from(parameters.subarray(6, 12)).reverse().toString('hex').toUpperCase();
    const peripheral = peripherals.find((one) => one.address.replaceAll(':', '') === address);
    const reachable = peripheral && !isConnected(peripheral) && !peripheral.faults?.unreachable;
    const open = reachable && !peripheral.faults?.busy && peripheral.advertise().connectable;
    wanted = { address, cancel: open ? clock.after(latency, () => connect(peripheral)) : () => {} };
  };

  const cancelConnection = (): void => {
    complete(opcodes.cancelConnection, wanted ? ok : disallowed);
    if (!wanted) return;
    wanted.cancel();
    const address = Buffer.from(wanted.address, 'hex').reverse();
    wanted = undefined;
    emit(events.le, le.connected, unknownConnection, word(0), 0, 0, address, word(0), word(0), word(0), 0);
  };

  const reset = (): void => {
    wanted?.cancel();
    wanted = undefined;
    for (const { handle, peripheral } of connections.values()) {
      connections.delete(handle);
      peripheral.onDisconnect?.();
      onEvent({ event: 'disconnected', address: peripheral.address });
    }
    setScanning(false);
    onEvent({ event: 'reset' });
    complete(opcodes.reset, ok);
  };

  const handlers: Readonly<Record<number, (parameters: Buffer) => void>> = {
    [opcodes.reset]: reset,
    [opcodes.readFeatures]: () => complete(opcodes.readFeatures, ok, Buffer.alloc(8)),
    [opcodes.readVersion]: () => complete(opcodes.readVersion, ok, 6, word(0), 6, word(0xffff), word(0)),
    [opcodes.readHostSupport]: () => complete(opcodes.readHostSupport, ok, 1, 0),
    [opcodes.readBufferSize]: () => complete(opcodes.readBufferSize, ok, word(buffers.size), buffers.number),
    [opcodes.readAddress]: () => complete(opcodes.readAddress, ok, reversed(ownAddress)),
    [opcodes.scanEnable](parameters) {
      setScanning(parameters[0] === 1);
      complete(opcodes.scanEnable, ok);
    },
    [opcodes.createConnection]: create,
    [opcodes.cancelConnection]: cancelConnection,
    [opcodes.disconnect](parameters) {
      const connection = connections.get(parameters.readUInt16LE(0) & 0x0fff);
      status(opcodes.disconnect, connection ? ok : unknownConnection);
      if (connection) ended(connection, reasons.byHost);
    },
  };

  /** Whole L2CAP messages go to the ATT server; each packet is acknowledged, or the host would stop after a few. */
  const takeAcl = ({ handle, start, data }: Extract<Packet, { kind: 'acl' }>): void => {
    const connection = connections.get(handle);
    if (!connection) return;
    emit(events.completedPackets, 1, word(handle), word(1));
    connection.incoming = start ? data : Buffer.concat([connection.incoming, data]);
    const { incoming } = connection;
    if (incoming.length < 4 || incoming.length < 4 + incoming.readUInt16LE(0)) return;
    connection.incoming = Buffer.alloc(0);
    if (incoming.readUInt16LE(2) === attChannel) connection.server.request(incoming.subarray(4));
  };

  return {
    get state() {
      return {
        scanning,
        connecting: wanted !== undefined,
        connections: [...connections.values()].map(({ peripheral }) => peripheral.address),
      };
    },
    attach(newWrite, newWaiting) {
      write = newWrite;
      waiting = newWaiting;
    },
    receive(bytes) {
      if (options.mute) return;
      for (const packet of parse(bytes)) {
        if (packet.kind === 'acl') takeAcl(packet);
        else if (handlers[packet.opcode]) handlers[packet.opcode]!(packet.parameters);
        else complete(packet.opcode, ok);
      }
    },
    drop(address) {
      const connection = [...connections.values()].find(({ peripheral }) => peripheral.address === address);
      if (connection) ended(connection, reasons.supervisionTimeout);
    },
    close() {
      stopAdvertising();
      wanted?.cancel();
      write = () => {};
    },
  };
}
