import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer, type TLSSocket } from 'node:tls';
import type { ServerCertificate } from '../certificates.ts';
import { mqtt5 } from './mqtt5.ts';

/** A port that can go away and come back. */
export interface Listener {
  readonly port: number;
  /** Ends every connection and refuses new ones. */
  down(): Promise<void>;
  /** Listens again, on the same port. */
  up(): Promise<void>;
}

/** Where the first bytes of a connection say which version of MQTT it speaks: behind the packet's length and its name. */
function levelOf(connect: Buffer): number | undefined {
  const name = connect.indexOf('MQTT', 0, 'latin1');
  return name > 0 ? connect[name + 4] : undefined;
}

/** Hands the connection on, once its first bytes have shown its version; that of MQTT 5 as one of 3.1.1. */
function receive(socket: TLSSocket, handle: (connection: Duplex) => void): void {
  socket.once('readable', () => {
    const first = socket.read() as Buffer | null;
    if (first === null) return receive(socket, handle);
    socket.unshift(first);
    handle(levelOf(first) === 5 ? mqtt5(socket) : socket);
  });
}

/** Listens with TLS 1.3 alone, as BMW's broker does since February 2026. */
export async function listenTls(
  host: string,
  port: number,
  certificate: ServerCertificate,
  handle: (connection: Duplex) => void,
  onRefused: (why: string) => void,
): Promise<Listener> {
  const sockets = new Set<TLSSocket>();
  const { key, cert } = certificate;
  const server = createServer({ key, cert, minVersion: 'TLSv1.3' }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    receive(socket, handle);
  });
  server.on('tlsClientError', (error) => onRefused(error.message));
  const listen = (wanted: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(wanted, host, () => {
        server.off('error', reject);
        resolve();
      });
    });
  await listen(port);
  const bound = (server.address() as AddressInfo).port;
  return {
    port: bound,
    up: () => listen(bound),
    down: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
