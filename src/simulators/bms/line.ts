import { createServer, type Socket } from 'node:net';
import type { Clock } from '../../runtime/clock.ts';
import type { Answer, SerialDevice } from './device.ts';
import { faultPlan, type LineFault, type LineFaultKind } from './faults.ts';

/** A simulated serial line with a device at its end, on TCP as a serial server offers it. */
export interface SimulatedLine {
  /** `tcp://127.0.0.1:40123`. */
  readonly url: string;
  readonly port: number;
  /** Requests that the device understood, in order. */
  requests(): readonly string[];
  fault(fault: LineFault): void;
  /** Breaks all connections, as a pulled plug does; new ones are taken. */
  hangUp(): void;
  close(): Promise<void>;
}

/** How the line is set up. */
export interface LineOptions {
  host?: string;
  /** 0 (default) takes a free one. */
  port?: number;
  faults?: readonly LineFault[];
  clock: Clock;
  /** Milliseconds until an answer (default 20). */
  latency?: number;
  /** A request of this protocol that another master sends, for the fault of that name. */
  strangerAsks: Uint8Array;
  onRequest?: (request: Uint8Array) => void;
}

/** Time for the first half of a frame to arrive before the line breaks, in ms. */
const halfHeard = 150;

/** Starts the line. As on a real bus, every connection hears all answers. */
export async function startLine(device: SerialDevice, options: LineOptions): Promise<SimulatedLine> {
  const { clock, latency = 20, host = '127.0.0.1' } = options;
  const plan = faultPlan(options.faults ?? []);
  const sockets = new Set<Socket>();
  const requests: string[] = [];

  const send = (bytes: Uint8Array): void => {
    for (const socket of sockets) socket.write(bytes);
  };
  const hangUp = (): void => {
    for (const socket of sockets) socket.destroy();
  };

  function answer({ frames }: Answer, faults: ReadonlySet<LineFaultKind>): void {
    if (faults.has('silence')) return;
    if (faults.has('noise')) send(Buffer.from('\0\xffAT+PRODUCTINFO=NoPID', 'latin1'));
    if (faults.has('master')) {
      send(options.strangerAsks);
      for (const { frames: theirs } of device.receive(options.strangerAsks)) for (const one of theirs) send(one);
    }
    const bytes = Buffer.concat(frames);
    const middle = bytes.length >> 1;
    if (faults.has('checksum') && bytes.length > 0) bytes[middle] = bytes[middle]! ^ 0x10;
    if (faults.has('disconnect')) {
      send(bytes.subarray(0, middle));
      clock.after(halfHeard, hangUp);
    } else if (faults.has('lost')) send(Buffer.concat([bytes.subarray(0, middle), bytes.subarray(middle + 4)]));
    else if (faults.has('split')) for (const byte of bytes) send(Uint8Array.of(byte));
    else send(bytes);
  }

  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      for (const one of device.receive(bytes)) {
        requests.push(Buffer.from(one.request).toString('hex'));
        options.onRequest?.(one.request);
        const faults = plan.next();
        if (faults.has('echo')) send(one.request);
        if (one.frames.length > 0) clock.after(latency, () => answer(one, faults));
      }
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, host, resolve);
  });
  const { port } = server.address() as { port: number };
  return {
    url: `tcp://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    requests: () => requests,
    fault: plan.add,
    hangUp,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        hangUp();
      }),
  };
}
