import { connect, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

/** A line to a server, with the faults of real ones. */
export interface TcpLine {
  readonly port: number;
  /** Connections that were made over it. */
  readonly connections: number;
  /** From now on nothing passes on the connections that there are, and neither end is told: Wi-Fi lost, a NAT that forgot. New ones work. */
  freeze(): void;
}

/**
 * A line on 127.0.0.1 to the server at `target`; it ends with the test.
 *
 * @param refuse whether to close a connection at once, as a proxy does whose server is still starting; they count from 1
 */
export async function tcpLine(
  t: TestContext,
  target: number,
  refuse: (connection: number) => boolean = () => false,
): Promise<TcpLine> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((near) => {
    near.on('error', () => {});
    if (refuse(++connections)) return void near.end();
    const far = connect(target, '127.0.0.1');
    far.on('error', () => near.destroy());
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
    near.pipe(far).pipe(near);
    sockets.add(near).add(far);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    port: (server.address() as { port: number }).port,
    get connections() {
      return connections;
    },
    freeze() {
      for (const socket of sockets) {
        socket.unpipe();
        socket.pause();
        socket.removeAllListeners('close');
      }
    },
  };
}
