import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, constants, existsSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../runtime/clock.ts';
import { fail } from '../../runtime/exit.ts';
import { inWords } from '../../runtime/system-error.ts';
import { type Controller, type ControllerOptions, createController } from './controller.ts';

/** A virtual controller with devices around it, behind a Unix socket or a pseudo-terminal. */
export interface Air {
  readonly controller: Controller;
  /** Unix socket that speaks HCI (H4). */
  readonly socket: string;
  /** The pseudo-terminal, when there is one: what `--adapter` takes. */
  readonly port: string | undefined;
  close(): Promise<void>;
}

const portWait = 5000;
const lookEvery = 5;

async function appeared(path: string, child: ChildProcess, clock: Clock): Promise<void> {
  const giveUp = clock.monotonic() + portWait;
  let over: string | undefined;
  let isMissing = false;
  child.once('error', (error: NodeJS.ErrnoException) => {
    isMissing = error.code === 'ENOENT';
    over = inWords(error);
  });
  child.once('exit', (status) => {
    over ??= `exit status ${status}`;
  });
  while (!existsSync(path)) {
    if (isMissing) {
      throw fail(
        'unavailable',
        'socat: not installed, and Node cannot make a pseudo-terminal itself',
        'Install it (apt install socat), or use --as-records, which needs no controller.',
      );
    }
    if (over !== undefined) throw fail('unavailable', `socat: made no pseudo-terminal: ${over}`);
    if (clock.monotonic() > giveUp) throw fail('unavailable', 'socat: made no pseudo-terminal');
    await clock.sleep(lookEvery);
  }
}

/** Starts socat between the controller's socket and a pseudo-terminal, and keeps that open from our side, or it would be gone with its first user. */
async function startPort(socket: string, path: string, clock: Clock): Promise<() => void> {
  const child = spawn('socat', ['-lf/dev/null', `PTY,link=${path},raw,echo=0`, `UNIX-CONNECT:${socket}`], {
    stdio: 'ignore',
  });
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  try {
    await appeared(path, child, clock);
  } catch (error) {
    child.kill();
    throw error;
  }
  const held = openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  return () => {
    closeSync(held);
    child.kill();
    void gone;
  };
}

/** How it is reached. */
export interface AirOptions extends ControllerOptions {
  /** Make a pseudo-terminal, at this path or (true) at one of its own choice. Needs socat. */
  port?: string | true;
}

/** Puts devices into the air. Throws exit status 69 when a pseudo-terminal is wanted and there is no socat. */
export async function startAir(options: AirOptions): Promise<Air> {
  const folder = mkdtempSync(join(tmpdir(), 'vp-air-'));
  const socket = join(folder, 'hci.sock');
  const controller = createController(options);
  const hosts = new Set<Socket>();
  const server = createServer((host) => {
    hosts.add(host);
    host.on('data', (bytes) => controller.receive(bytes));
    host.on('error', () => {});
    host.once('close', () => hosts.delete(host));
    controller.attach(
      (packet) => void (host.writable && host.write(packet)),
      () => host.writableLength,
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socket, resolve);
  });
  const close = async (): Promise<void> => {
    controller.close();
    for (const host of hosts) host.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
    rmSync(folder, { recursive: true, force: true });
  };
  if (options.port === undefined) return { controller, socket, port: undefined, close };
  const port = options.port === true ? join(folder, 'tty') : options.port;
  try {
    const stop = await startPort(socket, port, options.clock);
    return {
      controller,
      socket,
      port,
      close() {
        stop();
        return close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}
