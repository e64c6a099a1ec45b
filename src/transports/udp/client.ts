import type { Socket } from 'node:dgram';
import { explainSocket, SocketFailure } from '../socket-failure.ts';

/** A socket that sends to one address. */
export interface UdpSocket {
  /** Resolves when the kernel has sent it; rejects with {@link SocketFailure}. What becomes of it on the way nobody says. */
  send(datagram: Uint8Array): Promise<void>;
  /** Longest datagram in bytes. */
  readonly longest: number;
  /** Resolves when a later failure shows: the far side's machine answered that nobody listens there. */
  readonly failed: Promise<SocketFailure>;
  close(): void;
}

/** 65535 less the headers of IP and UDP. */
const longest = { udp4: 65_507, udp6: 65_527 } as const;

/** Resolves the name and opens a socket. Rejects with {@link SocketFailure}. */
export async function openUdp(host: string, port: number): Promise<UdpSocket> {
  const [{ createSocket }, { lookup }] = await Promise.all([import('node:dgram'), import('node:dns/promises')]);
  const { address, family } = await lookup(host).catch((error: unknown) => {
    throw explainSocket(error);
  });
  const type = family === 6 ? 'udp6' : 'udp4';
  const socket: Socket = createSocket(type);
  const failed = new Promise<SocketFailure>((resolve) => {
    socket.on('error', (error) => resolve(explainSocket(error)));
  });
  let open = true;
  const close = (): void => {
    if (open) socket.close();
    open = false;
  };
  const connected = new Promise<undefined>((resolve) => {
    socket.bind(0, () => {
      if (type === 'udp4') socket.setBroadcast(true);
      socket.connect(port, address, () => resolve(undefined));
    });
  });
  const why = await Promise.race([connected, failed]);
  if (why) {
    close();
    throw why;
  }
  return {
    longest: longest[type],
    failed,
    send(datagram) {
      if (datagram.length > longest[type])
        return Promise.reject(new SocketFailure('tooLarge', `longer than ${longest[type]} bytes`));
      return new Promise((resolve, reject) => {
        socket.send(datagram, (error) => {
          if (error) reject(explainSocket(error));
          else resolve();
        });
      });
    },
    close,
  };
}
